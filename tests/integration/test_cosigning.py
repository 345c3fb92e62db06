"""Nodes that cosign each other's logs: by files alone, and asked over HTTP; and what a liar gets."""

import re
import shutil
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.node import cosigning, keys
from rebuilders.node.server import application as site_of
from tests.integration.peers import Member, befriended, cosigned_by, forked, request
from tests.signed_log import key, observed
from witness import bundle, note
from witness.cli.main import app as consumer
from witness.errors import Incomplete, Unverified
from witness.fetch import HttpFetcher
from witness.limits import MAX_SHARD
from witness.log.audit import audit
from witness.log.cosigner import Cosigner, Inconsistent, NotSigned, OtherSize, UnknownLog, cosigned_path
from witness.log.journal import Journal
from witness.log.reader import LogReader, fetch_from
from witness.log.writer import LogWriter
from witness.mirror import mirror
from witness.signing import keyfile
from witness.signing.named import LogSigner
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore
from witness.tlog import contradiction
from witness.tlog.addition import Addition, encode_lines, parse_lines
from witness.tlog.checkpoint import open_checkpoint
from witness.verification import verify_bundle


@pytest.fixture
def crew(tmp_path):
    """Three nodes that are each other's peers; the first has published."""
    return befriended(tmp_path)


def test_by_files_alone_every_bundle_is_cosigned_by_both_peers(crew):
    a, b, c = crew
    for member in crew * 2:
        done = member.cosign()
        assert done.exit_code == 0, done.output
    assert "3 entries cosigned by 2 peers; 3 bundles proven anew" in a.cosign().output.replace(
        "0 bundles", "3 bundles"
    )
    assert cosigned_by(a, crew) == [{"Operator b", "Operator c"}] * 3
    opened = open_checkpoint(
        a.site.get("checkpoint", limit=MAX_SHARD), a.signers.log.key, [m.signers.cosigner.key for m in crew]
    )
    assert {item.key.name for item in opened.cosignatures} == {f"node-{x}.example/cosigner" for x in "abc"}
    # It grows, and what is there stays cosigned while the rest waits for the next round.
    a.publish(4)
    assert sorted(map(len, cosigned_by(a, crew))) == [0] * 4 + [2] * 3
    for member in (b, c, a):
        assert member.cosign().exit_code == 0
    assert cosigned_by(a, crew) == [{"Operator b", "Operator c"}] * 7
    fetch = fetch_from(a.site)
    shards = lambda path: a.site.get(path, limit=MAX_SHARD) if path.startswith("obs") else fetch(path)  # noqa: E731
    assert audit(shards, a.identity, fetch("checkpoint")).faults == ()


def test_a_later_tree_with_fewer_cosigners_takes_nothing_away(crew):
    a, b, c = crew
    for member in (b, c, a):
        member.cosign()
    a.publish(1)
    b.cosign()
    assert "3 entries cosigned by 2 peers" in a.cosign().output
    assert sorted(map(len, cosigned_by(a, crew))) == [0, 2, 2, 2]
    c.cosign()
    assert "4 entries cosigned by 2 peers" in a.cosign().output
    assert cosigned_by(a, crew) == [{"Operator b", "Operator c"}] * 4


def test_a_node_is_not_its_own_peer(crew):
    a, *_ = crew
    a.befriend(a)
    done = a.cosign()
    assert done.exit_code == 2
    assert "is this node itself" in done.output


def test_nobody_to_cosign(tmp_path):
    done = Member(tmp_path, "a").cosign()
    assert done.exit_code == 2
    assert "names no peer" in done.output


def test_a_peer_that_is_away_hinders_nobody(crew):
    a, b, _ = crew
    shutil.rmtree(b.directory.site)
    done = a.cosign()
    assert done.exit_code == 5
    assert "node-c.example/log: cosigned 3 entries" in done.output
    assert "node-b.example/log: not cosigned" in done.output


def test_what_is_not_cosigned(crew):
    a, b, c = crew
    cosigner = b.cosigner(a)
    first = request(a)
    cosigner.add(first, at=100)
    a.publish(2)
    second = request(a, old=3)
    at_two = LogReader.open(fetch_from(a.site), a.signers.log.key)
    with pytest.raises(OtherSize) as caught:
        cosigner.add(request(a, old=0), at=101)
    assert caught.value.size == 3
    with pytest.raises(UnknownLog):
        cosigner.add(request(c), at=101)
    text = note.parse(second.checkpoint).text
    for wrong, error in (
        (Addition(3, second.proof[:-1], second.checkpoint), Inconsistent),
        (Addition(3, (bytes(32), *second.proof[1:]), second.checkpoint), Inconsistent),
        (Addition(3, (), note.encode(note.Note(text, (b.signers.log.sign(text),)))), NotSigned),
    ):
        with pytest.raises(error):
            cosigner.add(wrong, at=101)
    assert open_checkpoint(cosigner.newest(a.signers.log.name), a.signers.log.key).checkpoint.size == 3
    (signature,) = cosigner.add(second, at=101)
    b.signers.cosigner.key.verify(text, signature.data)
    # Never back to a smaller tree.
    with pytest.raises(OtherSize):
        cosigner.add(first, at=102)
    assert at_two.checkpoint.size == 5


def test_time_never_goes_back(crew):
    a, b, _ = crew
    cosigner = b.cosigner(a)
    cosigner.add(request(a), at=1_000)
    (again,) = cosigner.add(request(a, old=3), at=10)
    assert int.from_bytes(again.data[:8], "big") == 1_000


def run_once(member, **settings):
    text = member.directory.config_path.read_text()
    for name, value in {"method": '"static"', **settings}.items():  # without builds, so without a sandbox
        text = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
    member.directory.config_path.write_text(text)
    return CliRunner().invoke(app, ["run", str(member.directory.root), "--once"])


def test_a_running_node_meets_its_peers(crew):
    a, b, c = crew
    for member in crew * 2:
        done = run_once(member)
        assert done.exit_code == 0, done.output
    assert "node-a.example/log: 3 entries cosigned by 2 peers; " in run_once(a).output
    assert cosigned_by(a, [b, c]) == [{"Operator b", "Operator c"}] * 3


def test_a_running_node_may_leave_its_peers_alone(crew):
    a, *_ = crew
    assert "cosigned" not in run_once(a, **{"cosign-minutes": 0}).output
    assert not (a.directory.site / "cosigned").exists()


def test_peers_that_are_away_or_lie_do_not_end_a_running_node(crew):
    a, b, c = crew
    assert run_once(b).exit_code == 0
    lie = forked(a, [b"lie %d" % number for number in range(5)])
    for path, data in lie.files.items():
        a.site.put(path, data)
    shutil.rmtree(c.directory.site)
    done = run_once(b)
    assert done.exit_code == 0
    assert "evidence: evidence/" in done.output
    assert "node-c.example/log: not cosigned" in done.output


def test_a_fork_is_not_cosigned_and_its_evidence_is_published(crew):
    a, b, _ = crew
    assert b.cosign().exit_code == 0
    honest = {path: path.read_bytes() for path in a.directory.site.rglob("*") if path.is_file()}
    for count in (3, 5):
        lie = forked(a, [b"lie %d" % number for number in range(count)])
        for path, data in lie.files.items():
            a.site.put(path, data)
        done = b.cosign()
        assert done.exit_code == 1
        assert "evidence: evidence/" in done.output
    for path, data in honest.items():
        path.write_bytes(data)
    done = b.cosign()
    assert done.exit_code == 1
    assert "contradicted itself before (evidence: evidence/" in done.output
    files = sorted((b.directory.site / "evidence").glob("*.json"))
    assert len(files) == 1
    for file in files:
        assert "node-a.example/log signed" in contradiction.parse(file.read_bytes()).prove()


def test_what_was_signed_is_on_disk_first(crew, monkeypatch):
    a, b, _ = crew
    cosigner = b.cosigner(a)

    def full(self, path, data):
        raise Incomplete("disk full")

    monkeypatch.setattr(DirectoryStore, "put", full)
    with pytest.raises(Incomplete):
        cosigner.add(request(a), at=100)
    monkeypatch.undo()
    assert cosigner.newest(a.signers.log.name) is None


def test_a_peer_cannot_write_into_our_files(crew):
    """Lines that a peer adds in other names, ours among them, are left out."""
    a, b, _ = crew
    b.cosign()
    path = cosigned_path(a.signers.log.name)
    parsed = note.parse(b.site.get(path, limit=MAX_SHARD))
    ours = a.signers.cosigner.sign(parsed.text, 5)
    broken = note.Signature(ours.name, ours.key_hash, b"\xff" * 72)
    b.site.put(path, note.encode(note.Note(parsed.text, (*parsed.signatures, broken))))
    assert a.cosign().exit_code == 0
    assert "cosigned by 1 peers" in a.cosign().output
    open_checkpoint(a.site.get("checkpoint", limit=MAX_SHARD), a.signers.log.key, [a.signers.cosigner.key])
    assert a.publish(1).size == 4


def test_a_cosigned_tree_that_is_not_ours_is_an_alarm(crew):
    a, b, _ = crew
    lie = forked(a, [b"lie"])
    cosigner = b.cosigner(a)
    reader = LogReader.open(fetch_from(lie), a.signers.log.key)
    cosigner.add(Addition(0, (), reader.signed), at=100)
    with pytest.raises(Unverified, match="another tree of 1 entries was cosigned"):
        cosigning.cosign(a.directory)


@contextmanager
def served(application):
    """The address at which `application` answers."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def listening(crew):
    """The address at which the second node answers logs."""
    _, b, _ = crew
    told = []
    with served(
        cosigning.application(b.cosigner(*crew), cosigning._own(b.directory, b.config), told.append)
    ) as at:
        yield at


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_a_log_over_http(crew, tmp_path):
    a, *_ = crew
    key = a.signers.log.key.text
    names = ["--key", a.signers.observations.public_key.text, "--name", a.config.name]
    with served(site_of(a.directory.site)) as address:
        done = CliRunner().invoke(consumer, ["log", "check", f"{address}/", "--log-key", key, *names])
        assert (done.exit_code, "3 entries about 3 files, 3 bundles" in done.output) == (0, True), done.output
        done = CliRunner().invoke(app, ["mirror", address, str(tmp_path / "copy"), "--log-key", key])
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(
        consumer, ["log", "check", str(tmp_path / "copy" / "site"), "--log-key", key, *names]
    )
    assert done.exit_code == 0, done.output
    away = CliRunner().invoke(consumer, ["log", "check", f"{address}/", "--log-key", key, *names])
    assert away.exit_code == 5


def post(address, data):
    fetcher = HttpFetcher()
    try:
        return fetcher.post(f"{address}/add-checkpoint", data, limit=10_000)
    finally:
        fetcher.close()


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_over_http(crew, listening):
    """The statuses of c2sp.org/tlog-witness."""
    a, b, _ = crew
    first = request(a)
    done = post(listening, first.data)
    assert done.status == 200
    (line,) = parse_lines(done.body)
    b.signers.cosigner.key.verify(note.parse(first.checkpoint).text, line.data)
    done = post(listening, first.data)
    assert (done.status, done.body) == (409, b"3\n")
    a.publish(2)
    good = request(a, old=3)
    text = note.parse(good.checkpoint).text
    stranger = note.encode(
        note.Note("stranger\n" + text.split("\n", 1)[1], note.parse(good.checkpoint).signatures)
    )
    unsigned = note.encode(note.Note(text, (b.signers.log.sign(text),)))
    lie = LogReader.open(fetch_from(forked(a, [b"x"] * 5)), a.signers.log.key)
    for data, status in (
        (b"nonsense", 400),
        (b"x" * 100_000, 413),
        (Addition(9, (), good.checkpoint).data, 400),
        (Addition(3, good.proof, stranger).data, 404),
        (Addition(3, good.proof, unsigned).data, 403),
        (Addition(3, (), good.checkpoint).data, 422),
        (good.data, 200),
        (Addition(5, (), lie.signed).data, 422),
        (good.data, 422),  # never again
    ):
        assert post(listening, data).status == status, data[:80]
    assert len(list((b.directory.site / "evidence").glob("*.json"))) == 1


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_asking_at_once(crew, listening):
    a, b, _ = crew
    text = a.directory.config_path.read_text().replace('ask = ""', f'ask = "{listening}"', 1)
    a.directory.config_path.write_text(text)
    for _ in range(2):
        done = a.cosign()
        assert "3 entries cosigned by 1 peers" in done.output, done.output
        assert done.exit_code == 0
    a.publish(2)
    assert "5 entries cosigned by 1 peers; 5 bundles" in a.cosign().output.replace("2 bundles", "5 bundles")
    assert set(map(len, cosigned_by(a, [b]))) == {1}


@pytest.mark.loopback
@pytest.mark.enable_socket
@pytest.mark.parametrize("own_line", [True, False])
def test_a_peer_that_answers_more_than_a_note_holds_hinders_nobody(crew, own_line):
    a, b, c = crew
    c.cosign()
    cosigner = b.cosigner(a)
    junk = note.Signature("x" * 300, bytes(4), bytes(200))

    async def flood(request):
        (line,) = cosigner.add(Addition.parse(await request.body()), at=100)
        return Response(encode_lines((*[junk] * 100, *[line] * own_line)[own_line:]))

    with served(Starlette(routes=[Route("/add-checkpoint", flood, methods=["POST"])])) as address:
        text = a.directory.config_path.read_text().replace('ask = ""', f'ask = "{address}"', 1)
        a.directory.config_path.write_text(text)
        done = a.cosign()
    assert f"3 entries cosigned by {1 + own_line} peers" in done.output, done.output
    assert done.exit_code == (0 if own_line else 5)


def test_a_cosigner_with_a_new_key_proves_old_bundles_anew(crew):
    """It counts for those who know the new key, from the first entry on."""
    a, b, _ = crew
    for member in (b, a):
        member.cosign()
    assert cosigned_by(a, [b]) == [{"Operator b"}] * 3
    before = b.signers.cosigner.key.text
    (b.directory.keys / "cosigner.pem").unlink()
    keyfile.create(b.directory.keys / "cosigner.pem")
    b.signers = keys.load(b.directory, b.config)
    text = a.directory.config_path.read_text().replace(before, b.signers.cosigner.key.text)
    a.directory.config_path.write_text(text)
    for member in (b, a):
        assert member.cosign().exit_code == 0
    assert cosigned_by(a, [b]) == [{"Operator b"}] * 3
    assert "0 bundles proven anew" in a.cosign().output


def test_a_cosigner_that_cannot_read_its_own_state_says_so(crew):
    """Such as one whose peer has another log key now, under the old origin."""
    a, b, _ = crew
    b.cosigner(a).add(request(a), at=100)
    other = LogSigner(a.signers.log.name, key("another log"))
    writer = LogWriter(store := MemoryStore(), Journal(MemoryStore()), other, a.signers.cosigner)
    writer.append([b"x"], at=100)
    signed = store.get("checkpoint", limit=MAX_SHARD)
    cosigner = Cosigner(b.signers.cosigners, {other.name: other.key}, b.directory.state / "cosigner", b.site)
    told = []
    own = cosigning._own(b.directory, b.config)
    done = cosigning.answer(cosigner, own, Addition(0, (), signed).data, told.append)
    assert done.status_code == 503
    assert told == ["not cosigned: checkpoint: not signed by the log 'node-a.example/log'"]


def test_a_mirror(crew, tmp_path):
    a, b, c = crew
    copy = tmp_path / "copy"
    fetch = fetch_from(a.site)
    assert mirror(fetch, copy, a.signers.log.key).added == 3
    a.publish(600)
    for member in (b, c, a):
        member.cosign()
    done = CliRunner().invoke(
        app,
        ["mirror", str(a.directory.site), str(copy), "--log-key", a.signers.log.key.text]
        + [word for member in crew for word in ("--cosigner-key", member.signers.cosigner.key.text)],
    )
    assert done.exit_code == 0, done.output
    assert "600 entries more; the copy has 603" in done.output
    shutil.rmtree(a.directory.site)
    held = DirectoryStore(copy / "site")
    files = fetch_from(held)
    found = audit(lambda path: held.get(path, limit=MAX_SHARD), a.identity, files("checkpoint"))
    assert (found.size, found.bundles, found.lookups, found.faults) == (603, 603, 32, ())
    known = [(member.config.operator, member.signers.cosigner.key) for member in crew]
    for item in bundle.parse_shard(held.get(bundle.shard_path(observed(0).sha256), limit=MAX_SHARD)):
        assert verify_bundle(item, a.identity, known).cosigned_by == {"Operator b", "Operator c"}


def test_a_mirror_keeps_no_line_that_it_cannot_check(crew, tmp_path):
    a, b, _ = crew
    signed = note.parse(a.site.get("checkpoint", limit=MAX_SHARD))
    bad = note.Signature(b.signers.cosigner.name, b.signers.cosigner.key.key_hash, b"\xff" * 72)
    a.site.put("checkpoint", note.encode(note.Note(signed.text, (*signed.signatures, bad))))
    copy = DirectoryStore(tmp_path / "copy" / "site")
    mirror(fetch_from(a.site), tmp_path / "copy", a.signers.log.key)
    kept = note.parse(copy.get("checkpoint", limit=MAX_SHARD)).signatures
    assert [item.name for item in kept] == [a.signers.log.name]
    with pytest.raises(Unverified, match="does not hold"):
        mirror(fetch_from(a.site), tmp_path / "copy", a.signers.log.key, [b.signers.cosigner.key])


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_mirror_is_not_led_astray(crew, tmp_path, count):
    a, *_ = crew
    copy = tmp_path / "copy"
    mirror(fetch_from(a.site), copy, a.signers.log.key)
    before = {path: path.read_bytes() for path in (copy / "site").rglob("*") if path.is_file()}
    lie = fetch_from(forked(a, [b"lie %d" % number for number in range(count)]))
    if count < 3:
        with pytest.raises(Incomplete, match="serves 1 entries, the copy has 3"):
            mirror(lie, copy, a.signers.log.key)
    else:
        done = mirror(lie, copy, a.signers.log.key)
        assert len(done.caught) == 1
        assert len(list((copy / "state" / "evidence").rglob("*.json"))) == 1
    assert {path: path.read_bytes() for path in (copy / "site").rglob("*") if path.is_file()} == before


def test_a_damaged_tile_is_not_copied(crew, tmp_path):
    a, *_ = crew
    path = a.directory.site / "tile/entries/000.p/3"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Unverified):
        mirror(fetch_from(a.site), tmp_path / "copy", a.signers.log.key)
    assert not (tmp_path / "copy" / "site").exists()


def test_the_cosigning_process_reads_one_key_alone(crew, monkeypatch):
    a, *_ = crew
    for name in ("observation.pem", "log.pem"):
        (a.directory.keys / name).unlink()
    assert a.cosign().exit_code == 0
    assert [held.key for held in keys.load_cosigners(a.directory, a.config)] == [a.signers.cosigner.key]
