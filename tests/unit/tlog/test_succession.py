"""A log's keys, one after the other: who verifies what, and what does not lead to a key."""

from dataclasses import replace

import pytest

from tests.mangling import flips, prefixes
from tests.signed_log import key, node
from witness import note
from witness.errors import Malformed, Unverified
from witness.note import Note, Signature, VerifierKey
from witness.signing.named import LogSigner
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.contradiction import OutOfTurn, find
from witness.tlog.succession import MAX_LINKS, Succession, described, lines_of_log, quarrel, succession_in

NODE = node()
FIRST = NODE.log
ROOT = bytes(range(32))


def after(log, size, seed):
    """The log with a key more, from that size on."""
    return LogSigner(log.name, key(seed), log.succeeded(size, key(seed).public_key))


SECOND = after(FIRST, 5, "second")
THIRD = after(SECOND, 9, "third")
KEYS = [held.newest for held in (FIRST, SECOND, THIRD)]


def signed(log, size, *more):
    text = Checkpoint(log.name, size, ROOT).text
    return note.encode(Note(text, (*log.lines(text), *more)))


def line_of(log):
    assert log.succession is not None
    return log.succession.line


@pytest.mark.parametrize(
    ("log", "sizes", "readers"),
    [(FIRST, (1, 5, 100), [0]), (SECOND, (5, 6, 100), [0, 1]), (THIRD, (9, 100), [0, 1, 2])],
)
def test_whoever_knows_a_key_follows_from_there_on(log, sizes, readers):
    for size in sizes:
        for number, reader in enumerate(KEYS):
            if number in readers:
                opened = open_checkpoint(signed(log, size), reader)
                assert opened.checkpoint.size == size
                assert [link.key for link in opened.links] == [
                    held.public_key for held in KEYS[number + 1 :]
                ][: len(readers) - number - 1]
            else:
                with pytest.raises(Unverified, match="not signed by"):
                    open_checkpoint(signed(log, size), reader)


def test_a_key_signs_no_tree_from_before_its_time():
    for log, size in ((SECOND, 4), (THIRD, 8), (THIRD, 5)):
        with pytest.raises(Unverified, match="signed by the key for"):
            open_checkpoint(signed(log, size), FIRST.key)
    # Whoever knows the newest key alone does not hear of those before it.
    assert open_checkpoint(signed(THIRD, 8), KEYS[2]).links == ()


def test_the_key_before_signs_for_it_no_more():
    text = Checkpoint(FIRST.name, 9, ROOT).text
    for signer in (FIRST, SECOND):
        data = note.encode(Note(text, (signer.sign(text), line_of(THIRD))))
        with pytest.raises(Unverified):
            open_checkpoint(data, FIRST.key)


def test_round_trip():
    held = THIRD.succession
    assert Succession.parse(held.line) == held
    assert (held.first, held.keys) == (FIRST.key.public_key, tuple(one.public_key for one in KEYS))
    assert note.parse_signatures(held.line.line) == (held.line,)
    assert len(held.line.data) == 32 + 2 * 104
    assert THIRD.key == FIRST.key == KEYS[0]
    parsed = note.parse(signed(THIRD, 9))
    assert succession_in(parsed, FIRST.key) == held
    assert succession_in(note.parse(signed(FIRST, 9)), FIRST.key) is None
    assert described(held.after(held.first), FIRST.key) == [
        f"{held.text} signs the log from {size} entries on"
        for held, size in zip(KEYS[1:], (5, 9), strict=True)
    ]


def test_every_bit_counts_for_whoever_knows_the_first_key():
    text = Checkpoint(FIRST.name, 9, ROOT).text
    line = line_of(THIRD)
    for data in flips(line.data, masks=(0x01, 0x80)):
        lines = THIRD.sign(text), replace(line, data=data)
        with pytest.raises((Unverified, Malformed)):
            open_checkpoint(note.encode(Note(text, lines)), FIRST.key)


def test_prefixes_lead_nowhere():
    line = line_of(THIRD)
    text = Checkpoint(FIRST.name, 9, ROOT).text
    for data in prefixes(line.data):
        if not data:
            continue  # no signature line of a note
        lines = THIRD.sign(text), replace(line, data=data)
        with pytest.raises((Unverified, Malformed)):
            open_checkpoint(note.encode(Note(text, lines)), FIRST.key)


def test_what_is_no_succession():
    second, third = THIRD.succession.links
    first = FIRST.key.public_key
    for links in (
        (),
        (third, second),
        (second, replace(second, size=7)),
        (replace(second, key=first),),
        (replace(second, size=1 << 63),),
        (second,) * (MAX_LINKS + 1),
    ):
        with pytest.raises(Malformed, match="log succession"):
            Succession(FIRST.name, first, links)
    for change in ({"size": 6}, {"key": key("thief").public_key}, {"signature": bytes(64)}):
        with pytest.raises(Unverified):
            Succession(FIRST.name, first, (replace(second, **change), third)).after(first)
    # Of another log with the same key.
    with pytest.raises(Unverified):
        Succession("other.example/log", first, (second,)).after(first)
    assert THIRD.succession.after(key("stranger").public_key) == ()


def test_there_is_an_end_to_keys():
    log = FIRST
    for number in range(MAX_LINKS):
        log = after(log, number, f"key {number}")
    assert open_checkpoint(signed(log, MAX_LINKS), FIRST.key).checkpoint.size == MAX_LINKS
    with pytest.raises(Malformed, match="1 to 32 links"):
        log.succeeded(MAX_LINKS, key("more").public_key)
    with pytest.raises(Malformed, match="comes twice"):
        SECOND.succeeded(9, FIRST.key.public_key)
    with pytest.raises(Malformed, match="order of their sizes"):
        SECOND.succeeded(4, key("third").public_key)


def test_two_lines_are_none():
    other = after(FIRST, 5, "another second")
    with pytest.raises(Malformed, match="two of them"):
        open_checkpoint(signed(SECOND, 9, line_of(other)), FIRST.key)
    assert open_checkpoint(signed(SECOND, 9, line_of(SECOND)), FIRST.key).checkpoint.size == 9


def test_a_line_of_other_keys_is_passed_over():
    """Whoever adds one to a checkpoint of a log that has one key takes nothing from it, and lends it nothing."""
    stranger = LogSigner(FIRST.name, key("stranger"))
    line = line_of(after(stranger, 0, "heir"))
    opened = open_checkpoint(signed(FIRST, 9, line), FIRST.key)
    assert opened.links == ()
    data = signed(after(stranger, 0, "heir"), 9)
    with pytest.raises(Unverified):
        open_checkpoint(data, FIRST.key)
    assert lines_of_log(note.parse(signed(FIRST, 9, line)), FIRST.key) == (
        FIRST.sign(Checkpoint(FIRST.name, 9, ROOT).text),
    )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_lines_of_a_log_are_enough_for_readers_from_a_key_on(number):
    reader = KEYS[number]
    parsed = note.parse(
        signed(THIRD, 9, NODE.cosigner.sign(Checkpoint(FIRST.name, 9, ROOT).text, 1), FIRST.sign("x\n"))
    )
    lines = lines_of_log(parsed, reader)
    assert len(lines) == (1 if number == 2 else 2)
    for other in KEYS[number:]:
        assert open_checkpoint(note.encode(Note(parsed.text, lines)), other).checkpoint.size == 9


def test_an_ordinary_reader_needs_the_newest_key_alone():
    opened = note.open_note(note.parse(signed(THIRD, 9)), [KEYS[2]])
    assert [(line.name, line.key_hash) for line in opened.signatures] == [(FIRST.name, KEYS[2].key_hash)]
    assert all(VerifierKey.parse(held.text) == held for held in KEYS)


def found(*pairs):
    data = [signed(*pair) for pair in pairs]
    opened = [open_checkpoint(item, FIRST.key) for item in data]
    return find(*opened, tuple(data), FIRST.key)


FORKED = after(FIRST, 5, "another second")
LATER = after(FIRST, 7, "second")


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ((FIRST, 5), (SECOND, 5), None),
        ((FIRST, 3), (SECOND, 5), None),
        ((FIRST, 3), (THIRD, 20), None),
        ((SECOND, 9), (THIRD, 9), None),
        ((FIRST, 6), (SECOND, 6), "signed 6 entries by a key that was replaced after 5"),
        ((FIRST, 100), (SECOND, 6), "signed 100 entries by a key that was replaced after 5"),
        ((FIRST, 6), (SECOND, 100), "replaced after 5"),
        ((SECOND, 10), (THIRD, 11), "signed 10 entries by a key that was replaced after 9"),
        ((FIRST, 6), (THIRD, 11), "replaced after 5"),
        ((SECOND, 6), (FORKED, 8), "named two successors of one key"),
        ((THIRD, 9), (FORKED, 8), "named two successors of one key"),
        ((SECOND, 7), (LATER, 7), "named two successors of one key"),
    ],
)
def test_what_contradicts_itself(first, second, words):
    for pair in ((first, second), (second, first)):
        evidence = found(*pair)
        if words is None:
            assert evidence is None
        else:
            assert isinstance(evidence, OutOfTurn)
            assert words in evidence.prove()
    one, other = (open_checkpoint(signed(*pair), FIRST.key) for pair in (first, second))
    told = [(item.checkpoint.size, item.links) for item in (one, other)]
    assert (quarrel(*told) is None) == (words is None)


def test_a_stranger_cannot_make_a_log_contradict_itself():
    data = line_of(SECOND).data
    line = Signature(FIRST.name, line_of(SECOND).key_hash, data[:-1] + bytes([data[-1] ^ 1]))
    text = Checkpoint(FIRST.name, 9, ROOT).text
    forged = note.encode(Note(text, (SECOND.sign(text), line)))
    with pytest.raises(Unverified):
        OutOfTurn(FIRST.key, forged, signed(FIRST, 9)).prove()
