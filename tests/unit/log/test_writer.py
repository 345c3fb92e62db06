"""The writer, interrupted before and after each write that it makes."""

import threading

import pytest

from tests.signed_log import NOON, Log, key, node
from witness import note
from witness.errors import Incomplete, Malformed, Unverified
from witness.limits import MAX_ENTRY
from witness.log import journal
from witness.log.journal import Batch, Journal
from witness.log.reader import check_log, fetch_from
from witness.log.writer import LogWriter, exclusive, grow, open_writer
from witness.signing.named import LogSigner
from witness.store.memory import MemoryStore
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.edge import Edge
from witness.tlog.merkle import EMPTY_ROOT, leaf_hash, root_hash

AT = int(NOON.timestamp())


class PowerCut(BaseException):
    """Nothing catches it."""


class Fragile:
    """A `Store` whose power fails at one of its changes, before it or after it. The countdown is shared."""

    def __init__(self, store, countdown):
        self.store = store
        self.countdown = countdown

    def get(self, path, *, limit):
        return self.store.get(path, limit=limit)

    def exists(self, path):
        return self.store.exists(path)

    def put(self, path, data):
        self._change(lambda: self.store.put(path, data))

    def add(self, path, data):
        self._change(lambda: self.store.add(path, data))

    def remove(self, path):
        self._change(lambda: self.store.remove(path))

    def _change(self, change):
        self.countdown[0] -= 1
        if self.countdown[0] == 0:
            raise PowerCut
        change()
        self.countdown[0] -= 1
        if self.countdown[0] == 0:
            raise PowerCut


def fragile(log, steps):
    countdown = [steps]
    return LogWriter(
        Fragile(log.store, countdown),
        Journal(Fragile(log.journal, countdown)),
        log.signers.log,
        log.signers.cosigner,
    )


def entries_of(log):
    return list(log.reader().entries()) if log.store.exists("checkpoint") else []


def checked(log):
    """The size and root of the published log, after `check_log`."""
    if not log.store.exists("checkpoint"):
        return 0, EMPTY_ROOT
    tree = check_log(fetch_from(log.store), log.signers.log.key, [log.signers.cosigner.key]).checkpoint
    return tree.size, tree.root


def interrupted(before, batch, steps):
    """A log of `before` in which the append of `batch` was cut off after `steps`, or None if it came through."""
    log = Log.new()
    if before:
        log.append(before)
    try:
        writer = fragile(log, steps)
        writer.append(batch, at=AT + 1)
        writer.settle()
    except PowerCut:
        return log
    return None


@pytest.mark.parametrize(("old", "new"), [(0, 1), (1, 1), (100, 200), (255, 1), (256, 300), (300, 600)])
def test_every_interruption_is_finished_once(old, new):
    before = [b"old %d" % number for number in range(old)]
    batch = [b"new %d" % number for number in range(new)]
    root = root_hash([leaf_hash(entry) for entry in before + batch])
    steps = 0
    while (log := interrupted(before, batch, steps := steps + 1)) is not None:
        size, _ = checked(log)
        assert size in (old, old + new)
        began = log.journal.files.get("pending")
        promised = journal.parse(began).checkpoint if began else None
        # The next writer has a later clock, which must not show.
        writer = log.writer()
        if began:
            assert writer.pending.entries == tuple(batch)
            assert writer.pending.first == old
            assert log.store.files["checkpoint"] == promised
        else:
            assert writer.pending is None
            # The batch is whole, settled already or never begun.
            if entries_of(log) == before:
                writer.append(batch, at=AT + 99)
        writer.settle()
        assert entries_of(log) == before + batch
        assert checked(log) == (old + new, root)
        assert set(log.journal.files) == {"checkpoint"}
        assert not any(
            path.endswith(f".p/{old % 256}") for path in log.store.files if old // 256 < (old + new) // 256
        )
        log.append([b"and on"], at=AT + 100)
        assert entries_of(log) == [*before, *batch, b"and on"]
    assert steps > 8


def test_recovery_may_be_interrupted_too():
    batch = [b"%d" % number for number in range(300)]
    done = 0
    for first in range(3, 40, 3):
        for second in range(1, 40, 2):
            log = interrupted([b"old"], batch, first)
            if log is None:
                continue
            try:
                fragile(log, second)
            except PowerCut:
                done += 1
            checked(log)
            writer = log.writer()
            if writer.pending is None and len(entries_of(log)) == 1:
                writer.append(batch, at=AT)
            writer.settle()
            assert entries_of(log) == [b"old", *batch]
            checked(log)
    assert done > 20


def test_a_pending_batch_stays_until_it_is_settled():
    log = Log.new()
    batch = log.writer().append([b"one"], at=AT)
    writer = log.writer()
    assert writer.pending == batch
    with pytest.raises(ValueError, match="settle it first"):
        writer.append([b"two"], at=AT)
    writer.settle()
    writer.settle()
    assert log.writer().pending is None
    assert writer.append([b"two"], at=AT).first == 1


@pytest.mark.parametrize("entries", [[], [bytes(MAX_ENTRY + 1)]])
def test_batches_that_no_log_can_hold(entries):
    log = Log.new()
    with pytest.raises(ValueError, match="a batch is of"):
        log.writer().append(entries, at=AT)
    assert log.store.files == log.journal.files == {}


def test_the_checkpoint_is_signed_twice():
    log = Log.new()
    log.append([b"one", bytes(MAX_ENTRY), b""])
    opened = open_checkpoint(log.store.files["checkpoint"], log.signers.log.key, [log.signers.cosigner.key])
    assert opened.checkpoint.size == 3
    assert [item.at for item in opened.cosignatures] == [AT]


def test_the_time_is_never_set_back():
    log = Log.new()
    log.append([b"one"], at=AT)
    log.append([b"two"], at=AT - 500)
    assert [item.at for item in log.reader().verified.cosignatures] == [AT]


def test_a_log_that_went_back_is_not_written_to():
    log = Log.new()
    log.append([b"one"])
    older = dict(log.store.files)
    log.append([b"two"])
    log.store.files.clear()
    log.store.files.update(older)
    with pytest.raises(Unverified, match="not the last one") as caught:
        log.writer()
    assert "restore" in caught.value.hint
    log.store.files.clear()
    with pytest.raises(Unverified, match="not the last one"):
        log.writer()


def test_a_log_without_its_journal_is_not_written_to():
    log = Log.new()
    log.append([b"one"])
    log.journal.files.clear()
    with pytest.raises(Unverified, match="not the last one"):
        log.writer()


def test_a_forged_checkpoint_is_not_extended():
    log = Log.new()
    log.append([b"one"])
    log.append([b"two"])
    other = Log.new()
    other.append([b"one", b"other"])
    log.store.files["checkpoint"] = other.store.files["checkpoint"]
    with pytest.raises(Unverified, match="not the last one"):
        log.writer()


def test_cosignatures_that_peers_added_are_no_change():
    log = Log.new()
    log.append([b"one"])
    parsed = note.parse(log.store.files["checkpoint"])
    peer = node("node-b").cosigner.sign(parsed.text, AT)
    log.store.files["checkpoint"] = note.encode(note.Note(parsed.text, (*parsed.signatures, peer)))
    log.append([b"two"])
    assert entries_of(log) == [b"one", b"two"]


def test_damage_to_the_edge_is_noticed_before_anything_is_signed():
    for path in ("tile/0/000.p/2", "tile/entries/000.p/2"):
        log = Log.new()
        log.append([b"one", b"two"])
        data = log.store.files[path]
        log.store.files[path] = data[:-1] + b"x"
        with pytest.raises(Unverified):
            log.append([b"three"])
        assert set(log.journal.files) == {"checkpoint"}


def test_a_signer_that_fails_promises_nothing():
    log = Log.new()

    class Liar:
        public_key = log.signers.log.signer.public_key
        sign = key("somebody else").sign

    writer = LogWriter(
        log.store, Journal(log.journal), LogSigner(log.signers.log.name, Liar()), log.signers.cosigner
    )
    with pytest.raises(Unverified, match="does not hold"):
        writer.append([b"one"], at=AT)
    assert log.store.files == log.journal.files == {}


def test_an_append_touches_few_files():
    log = Log.new()
    log.append([b"%d" % number for number in range(66_000)])
    touched = []

    class Counting(MemoryStore):
        def get(self, path, *, limit):
            touched.append(path)
            return super().get(path, limit=limit)

        def put(self, path, data):
            touched.append(path)
            super().put(path, data)

    store = Counting()
    store.files = log.store.files
    writer = LogWriter(store, Journal(log.journal), log.signers.log, log.signers.cosigner)
    writer.append([b"one more"], at=AT)
    assert len(touched) < 16


def test_growth_of_nothing_is_nothing():
    assert grow(Edge(), [], []).files == ()


def test_one_writer_at_a_time(tmp_path):
    log = Log.new()
    state = tmp_path / "state"
    with open_writer(log.store, state, log.signers.log, log.signers.cosigner) as writer:
        writer.append([b"one"], at=AT)
        with (
            pytest.raises(Incomplete, match="another process"),
            open_writer(log.store, state, log.signers.log, log.signers.cosigner),
        ):
            pass
    with open_writer(log.store, state, log.signers.log, log.signers.cosigner) as writer:
        assert writer.pending.entries == (b"one",)


BATCH = Batch(b"", b"checkpoint \xe2\x80\x94\n", 7, (b"one", b"", bytes(300)))


def test_journal_round_trip():
    assert journal.parse(journal.encode(BATCH)) == BATCH


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"{}\n", "not a record"),
        (b"[]\n", "not a record"),
        (b'{"checkpoint":"","first":-1,"previous":""}\n\0\0', "not an index"),
        (b'{"checkpoint":"","first":true,"previous":""}\n\0\0', "not an index"),
        (b'{"checkpoint":"","first":"1","previous":""}\n\0\0', "not an index"),
        (b'{"checkpoint":1,"first":1,"previous":""}\n\0\0', "not a string"),
        (b'{"checkpoint":"","first":1,"previous":""}\n', "without entries"),
        (b'{"checkpoint":"","first":1,"previous":""}\n\0', "cut off"),
        (b'{"checkpoint":"","first":1,"previous":""}\n\0\2a', "cut off"),
    ],
)
def test_what_is_no_journal(data, message):
    with pytest.raises(Malformed, match=message):
        journal.parse(data)


def test_waiting_for_the_lock(tmp_path):
    """Whoever waits gets the log when the other is done, and gives up when his patience is over."""
    ready, done = threading.Event(), threading.Event()

    def other():
        with exclusive(tmp_path):
            ready.set()
            done.wait(30)

    holder = threading.Thread(target=other)
    holder.start()
    assert ready.wait(30)
    with pytest.raises(Incomplete, match="another process"), exclusive(tmp_path, patience=0.1):
        pytest.fail("two at once")
    threading.Timer(0.2, done.set).start()
    with exclusive(tmp_path, patience=30.0):
        assert done.is_set()
    holder.join()


def test_a_clock_that_went_back():
    """A little is no matter, and the time that is signed stays; more is refused before anything is written."""
    log = Log.new()
    log.append([b"one"], at=AT)
    log.append([b"two"], at=AT - 3600)
    reader = log.reader()
    assert (reader.checkpoint.size, reader.verified.cosignatures[0].at) == (2, AT)
    with pytest.raises(Incomplete, match="the clock says 2026-05-01T10:59:59Z, and this log was signed at"):
        log.append([b"three"], at=AT - 3601)
    assert (log.reader().checkpoint.size, log.writer().pending) == (2, None)
    log.append([b"three"], at=AT + 1)
    assert log.reader().checkpoint.size == 3
