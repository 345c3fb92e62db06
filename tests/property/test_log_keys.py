"""A log that changes keys as it grows: nobody accuses it, and who signs on with a key that it replaced is caught."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.signed_log import key, node
from witness import note
from witness.log.seen import SeenLog
from witness.note import Note
from witness.signing.named import LogSigner
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.contradiction import OutOfTurn, find
from witness.tlog.merkle import root_hash

FIRST = node().log
# How much the log grows before each change of its key, and after the last; the tree at a change may be signed by both.
HISTORIES = st.lists(st.integers(0, 3), min_size=2, max_size=5)


def signed(log, size):
    text = Checkpoint(log.name, size, root_hash([b"%032d" % number for number in range(size)])).text
    return note.encode(Note(text, log.lines(text)))


def told(growths):
    """Every checkpoint that the log signs, and who signs at the end of each stretch with the size at which it stops."""
    log, size, all_, before = FIRST, 1, [signed(FIRST, 1)], []
    for turn, growth in enumerate(growths):
        for _ in range(growth):
            size += 1
            all_.append(signed(log, size))
        if turn < len(growths) - 1:
            before.append((log, size))
            heir = key(f"heir {turn}")
            log = LogSigner(log.name, heir, log.succeeded(size, heir.public_key))
            all_.append(signed(log, size))
    return all_, before, log, size


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.randoms(use_true_random=False))
def test_an_honest_log_is_never_at_odds_with_itself(tmp_path_factory, growths, chance):
    all_, _, log, size = told(growths)
    opened = [open_checkpoint(data, FIRST.key) for data in all_]
    for one, first in zip(opened, all_, strict=True):
        for other, second in zip(opened, all_, strict=True):
            assert find(one, other, (first, second), FIRST.key) is None
    chance.shuffle(all_)
    state = tmp_path_factory.mktemp("seen")
    memory = SeenLog(state, FIRST.key)
    for data in all_:
        assert memory.see(data) == ()
    memory.save()
    newest = open_checkpoint(SeenLog(state, FIRST.key).newest, FIRST.key)
    assert newest.checkpoint.size == size
    assert [link.key for link in newest.links] == list(log.succession.keys[1:])


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.integers(1, 4), st.data(), st.randoms(use_true_random=False))
def test_a_key_that_was_replaced_signs_no_larger_tree(tmp_path_factory, growths, more, data, chance):
    all_, before, _, _ = told(growths)
    old, size = data.draw(st.sampled_from(before))
    rogue = signed(old, size + more)
    all_.append(rogue)
    chance.shuffle(all_)
    memory = SeenLog(tmp_path_factory.mktemp("seen"), FIRST.key)
    caught = [item.evidence for one in all_ for item in memory.see(one)]
    assert caught
    assert all(isinstance(item, OutOfTurn) and rogue in (item.first, item.second) for item in caught)


@settings(max_examples=30, deadline=None)
@given(HISTORIES, st.integers(0, 3), st.data(), st.randoms(use_true_random=False))
def test_a_key_names_no_second_successor(tmp_path_factory, growths, more, data, chance):
    all_, before, _, _ = told(growths)
    old, size = data.draw(st.sampled_from(before))
    heir = key("of a thief")
    rogue = signed(LogSigner(old.name, heir, old.succeeded(size, heir.public_key)), size + more)
    all_.append(rogue)
    chance.shuffle(all_)
    memory = SeenLog(tmp_path_factory.mktemp("seen"), FIRST.key)
    caught = [item.evidence for one in all_ for item in memory.see(one)]
    assert caught
    assert all(isinstance(item, OutOfTurn) for item in caught)
