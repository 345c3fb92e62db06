import pytest

from tests.signed_log import Log, node
from witness import note
from witness.errors import Incomplete, Unverified
from witness.log.seen import MAX_CONVICTIONS, MAX_REMEMBERED, SeenLog
from witness.note import Note
from witness.tlog.checkpoint import Checkpoint
from witness.tlog.contradiction import Fork, Rollback, parse

NODE = node()
KEY, COSIGNER = NODE.log.key, NODE.cosigner.key


def signed(size, root=b"r", *, at=None):
    text = Checkpoint(KEY.name, size, root * 32).text
    lines = () if at is None else (NODE.cosigner.sign(text, at),)
    return note.encode(Note(text, (NODE.log.sign(text), *lines)))


def seen(tmp_path):
    return SeenLog(tmp_path, KEY, [COSIGNER])


def test_what_was_seen_is_remembered(tmp_path):
    first = seen(tmp_path)
    assert first.newest is None
    for size in (5, 3, 9):
        assert first.see(signed(size)) == ()
    first.save()
    again = seen(tmp_path)
    assert again.newest == signed(9)
    (caught,) = again.see(signed(3, b"x"))
    assert isinstance(caught.evidence, Fork)
    (file,) = (tmp_path / "evidence").rglob("*.json")
    assert caught.path == str(file)
    assert parse(file.read_bytes()) == caught.evidence


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_a_rollback_is_found_among_many(tmp_path, order):
    """Sizes 1, 2, 3 at times 10, 20, 30, and size 2's neighbour cosigned too late."""
    notes = [signed(1, at=10), signed(20, at=20), signed(30, at=30), signed(25, at=35)]
    memory = seen(tmp_path)
    found = [caught.evidence for number in order for caught in memory.see(notes[number])]
    assert found == [Rollback(KEY, COSIGNER, notes[2], notes[3])]


def test_a_log_is_not_convicted_without_end(tmp_path):
    memory = seen(tmp_path)
    for number in range(100):
        memory.see(signed(7, bytes([number])))
    memory.save()
    assert len(list((tmp_path / "evidence").rglob("*.json"))) == MAX_CONVICTIONS
    again = seen(tmp_path)
    assert [item.evidence for item in again.convictions] != []
    assert again.see(signed(7, b"z")) == ()
    assert len(list((tmp_path / "evidence").rglob("*.json"))) == MAX_CONVICTIONS


def test_memory_has_a_bound(tmp_path):
    memory = seen(tmp_path)
    for size in range(1, 200):
        memory.see(signed(size))
    memory.save()
    (file,) = (tmp_path / "logs").iterdir()
    assert file.read_bytes().count(b"\n") == MAX_REMEMBERED
    assert seen(tmp_path).newest == signed(199)


def test_a_log_is_held_against_its_tiles(tmp_path):
    log = Log.new(NODE)
    memory = seen(tmp_path)
    for number in range(5):
        log.append([b"entry %d" % number] * (number + 1), at=1_000 + number)
        memory.see(log.reader().signed)
    fetch = lambda path: log.store.get(path, limit=1_000_000)  # noqa: E731
    assert memory.compare(fetch) == ()
    memory.save()
    (file,) = (tmp_path / "logs").iterdir()
    assert file.read_bytes().count(b"\n") == 1
    assert memory.see(signed(3)) == ()  # of another size, so that only tiles tell
    (caught,) = memory.compare(fetch)
    assert "does not begin with the tree of 3 entries" in caught.proven


@pytest.mark.parametrize("data", [b"rubbish\n", b'"rubbish"\n', b"1\n" + b'"x\n', b'"a\\n1\\nx\\n"\n'])
def test_a_memory_that_cannot_be_read(tmp_path, data):
    memory = seen(tmp_path)
    memory.see(signed(1))
    memory.save()
    (file,) = (tmp_path / "logs").iterdir()
    file.write_bytes(data)
    with pytest.raises(Incomplete, match="cannot be read"):
        seen(tmp_path)


def test_of_another_log(tmp_path):
    with pytest.raises(Unverified):
        SeenLog(tmp_path, node("node-b").log.key).see(signed(1))
