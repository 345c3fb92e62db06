"""What is new in an input, held against another one."""

from tests.unit.pins.locks import A, B, C
from witness.pins.change import only_new
from witness.pins.pin import Origin, Pin, Pins, Unpinned

HERE, THERE = Origin("new.lock", 7), Origin("old.lock", 1)


def pin(project, *digests, origin=HERE):
    return Pin(project, "1.0", frozenset(digests), origin)


def unpinned(text, kind="error", origin=HERE):
    return Unpinned(text, kind, "why", origin)


def test_files_are_told_apart_by_project_and_digest():
    base = Pins((pin("a", A, origin=THERE), pin("b", B, origin=THERE)))
    new = only_new(Pins((pin("a", A), pin("b", C), pin("c", B))), base)
    assert new.pins == (pin("b", C), pin("c", B))
    assert new.unchanged == 1


def test_of_a_line_only_the_hashes_that_are_new():
    base = Pins((pin("a", A, B, origin=THERE),))
    assert only_new(Pins((pin("a", A, B, C),)), base).pins == (pin("a", C),)
    assert only_new(Pins((pin("a", A),)), base).pins == ()


def test_entries_without_a_digest_by_what_they_say():
    base = Pins(unpinned=(unpinned("x", origin=THERE), unpinned("y", origin=THERE)))
    new = only_new(Pins(unpinned=(unpinned("x"), unpinned("y", "not-applicable"), unpinned("z"))), base)
    assert new.unpinned == (unpinned("y", "not-applicable"), unpinned("z"))
    assert new.unchanged == 1
