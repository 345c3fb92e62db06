"""A cosigner's key, from one to the next: both sign, for those who know the one or the other; one state for both."""

import json
import stat
from dataclasses import replace

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from typer.testing import CliRunner

from rebuilders.node import cosigning, keys, rotation, signer
from rebuilders.node.config import parse
from tests.integration.peers import Killed, Member, befriended, cosigned_by, forked, kill, request
from tests.integration.trusted_nodes import ALPHA, BETA, NOW, SHA, stated
from witness import bundle, note
from witness.cli.main import app as consumer
from witness.errors import InputError
from witness.limits import MAX_SHARD
from witness.log.audit import audit
from witness.log.cosigner import Inconsistent
from witness.log.location import fetch_at
from witness.log.reader import LogReader, fetch_from
from witness.signing import keyfile
from witness.signing.keyfile import MlDsaKeyFile
from witness.signing.named import CheckpointCosigner
from witness.store.directory import DirectoryStore
from witness.tlog.addition import Addition
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.cosignature import COSIGNATURE, ML_DSA_COSIGNATURE, CosignerKey
from witness.verification import verify_bundle

AT = int(NOW.timestamp())
ALGORITHMS = pytest.mark.parametrize(
    ("algorithm", "number"), [("ed25519", COSIGNATURE), ("ml-dsa-44", ML_DSA_COSIGNATURE)]
)


@pytest.fixture
def crew(tmp_path):
    return befriended(tmp_path)


@pytest.fixture
def alone(tmp_path):
    return Member(tmp_path, "b")


def told(member):
    return json.loads((member.directory.site / "node.json").read_bytes())["cosignerKey"]


def rounds(*members):
    for member in members:
        done = member.cosign()
        assert done.exit_code == 0, done.output


def vouched(member, operator, key):
    """Whom those who know `operator` by `key` alone see vouch for each bundle of `member`."""
    known = [(operator, key)]
    return [verify_bundle(item, member.identity, known).cosigned_by for item in member.bundles()]


@ALGORITHMS
def test_from_one_key_to_the_next(crew, algorithm, number):
    a, b, _ = crew
    old = b.signers.cosigner.key
    rounds(b, a)
    done = b.keys("rotate", "--cosigner", algorithm)
    assert done.exit_code == 0, done.output
    new = b.signers.second.key
    assert new.algorithm == number
    assert f'cosigner-key = "{new.text}"' in done.output
    assert (told(b), CosignerKey.parse(told(b))) == (new.text, new)
    assert stat.S_IMODE((b.directory.keys / "cosigner.next.pem").stat().st_mode) == 0o600
    # Whoever has not heard of it sees no difference.
    rounds(b, a)
    assert vouched(a, "Operator b", old) == [{"Operator b"}] * 3
    # Whoever names both has bundles for those who know the one or the other.
    a.rename(b, old, new)
    rounds(b, a)
    for key in (old, new):
        assert vouched(a, "Operator b", key) == [{"Operator b"}] * 3
    assert "3 entries cosigned by 1 peers; 0 bundles" in a.cosign().output
    # Its own log has both lines, and so have consumers who know it by the one or the other.
    b.publish(2)
    signed = b.site.get("checkpoint", limit=MAX_SHARD)
    for key in (old, new):
        opened = open_checkpoint(signed, b.signers.log.key, [key])
        assert [item.key for item in opened.cosignatures] == [key]
    done = b.keys("retire")
    assert (done.exit_code, done.output) == (0, f"{new.text} cosigns alone from now on\n")
    assert (b.signers.cosigner.key, b.signers.second, told(b)) == (new, None, new.text)
    a.rename(b, new)
    a.publish(1)
    rounds(b, a)
    assert vouched(a, "Operator b", new) == [{"Operator b"}] * 4
    b.publish(1)
    opened = open_checkpoint(b.site.get("checkpoint", limit=MAX_SHARD), b.signers.log.key, [old, new])
    assert [item.key for item in opened.cosignatures] == [new]
    found = audit(
        fetch_at(str(a.directory.site), None), a.identity, a.site.get("checkpoint", limit=MAX_SHARD)
    )
    assert (found.size, found.faults) == (4, ())


@ALGORITHMS
def test_both_keys_sign_the_same_trees_and_never_another(crew, algorithm, number):
    a, b, _ = crew
    b.cosigner(a).add(request(a), at=1_000)
    b.keys("rotate", "--cosigner", algorithm)
    cosigner = b.cosigner(a)
    lie = LogReader.open(fetch_from(forked(a, [b"lie"] * 3)), a.signers.log.key)
    with pytest.raises(Inconsistent) as caught:
        cosigner.add(Addition(3, (), lie.signed), at=1_001)
    assert "signed two different trees" in caught.value.evidence.prove()
    # Its time never goes back either, by whichever key.
    lines = cosigner.add(request(a, old=3), at=10)
    assert [CosignerKey.parse(key.key.text).algorithm for key in b.signers.cosigners] == [COSIGNATURE, number]
    text = note.parse(request(a).checkpoint).text
    for key, line in zip(b.signers.cosigners, lines, strict=True):
        key.key.verify(text, line.data)
        assert int.from_bytes(line.data[:8], "big") == 1_000
    b.keys("retire")
    cosigner = b.cosigner(a)
    with pytest.raises(Inconsistent):
        cosigner.add(Addition(3, (), lie.signed), at=1_001)
    (line,) = cosigner.add(request(a, old=3), at=10)
    assert (line.key_hash, int.from_bytes(line.data[:8], "big")) == (lines[1].key_hash, 1_000)


def test_one_after_the_other(alone):
    done = alone.keys("retire")
    assert (done.exit_code, "the cosigner has one key" in done.output) == (2, True)
    assert alone.keys("rotate", "--cosigner", "ml-dsa-44").exit_code == 0
    files = {path.name: path.read_bytes() for path in alone.directory.keys.iterdir()}
    done = alone.keys("rotate", "--cosigner", "ed25519")
    assert (done.exit_code, "has two keys already" in done.output) == (2, True)
    assert {path.name: path.read_bytes() for path in alone.directory.keys.iterdir()} == files
    for words in (["--expires", "2030-01-01"], ["--next"]):
        done = alone.keys("rotate", "--cosigner", "ed25519", *words)
        assert (done.exit_code, "not with --expires or --next" in done.output) == (2, True)
    assert alone.keys("rotate", "--cosigner", "rsa").exit_code == 2


@pytest.mark.parametrize(
    ("step", "before", "there"),
    [
        ((keyfile, "_write"), True, False),
        ((keyfile, "_write"), False, False),
        ((keys, "_rename"), True, False),
        ((keys, "_rename"), False, True),
        ((DirectoryStore, "put"), True, True),
        ((DirectoryStore, "put"), False, True),
    ],
)
def test_every_step_to_a_second_key_can_be_the_last(alone, monkeypatch, step, before, there):
    """The node goes on with the keys that are `there`, and the command can be given again."""
    kill(monkeypatch, *step, before=before)
    with pytest.raises(Killed):
        rotation.add_cosigner_key(alone.directory, "ed25519")
    monkeypatch.undo()
    signer.publish(alone.directory)
    alone.signers = keys.load(alone.directory, alone.config)
    assert len(alone.signers.cosigners) == 1 + there
    assert told(alone) == alone.signers.cosigners[-1].key.text
    assert alone.keys("rotate", "--cosigner", "ed25519").exit_code == (2 if there else 0)
    assert len(alone.signers.cosigners) == 2
    assert told(alone) == alone.signers.second.key.text


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_the_end_of_the_older_key_is_one_step(alone, monkeypatch, before):
    alone.keys("rotate", "--cosigner", "ed25519")
    newest = told(alone)
    kill(monkeypatch, keys, "_rename", before=before)
    with pytest.raises(Killed):
        rotation.retire_cosigner_key(alone.directory)
    monkeypatch.undo()
    assert alone.keys("retire").exit_code == (0 if before else 2)
    assert [held.key.text for held in alone.signers.cosigners] == [newest] == [told(alone)]


def test_a_key_in_an_hsm_is_left_there(alone):
    alone.keys("rotate", "--cosigner", "ml-dsa-44")
    text = alone.directory.config_path.read_text("utf-8")
    public = alone.signers.cosigner.signer.public_key.text
    table = f'\n[signer.cosigner]\nuri = "hsm:2"\npublic-key = "{public}"\n'
    alone.directory.config_path.write_text(text + table, "utf-8")
    with pytest.raises(InputError, match="not in a file"):
        rotation.retire_cosigner_key(alone.directory)
    assert (alone.directory.keys / "cosigner.next.pem").exists()
    alone.directory.config_path.write_text(text, "utf-8")
    (alone.directory.keys / "cosigner.pem").unlink()
    assert rotation.retire_cosigner_key(alone.directory).keys == (alone.signers.second.key.text,)


def test_peers_beyond_what_a_checkpoint_has_room_for(tmp_path):
    a, b = Member(tmp_path, "a"), Member(tmp_path, "b")
    b.keys("rotate", "--cosigner", "ml-dsa-44")
    keys_of = [key.key.text for key in b.signers.cosigners]
    peer = '\n[[peer]]\nurl = "x"\nlog-key = "{}"\ncosigner-key = "{}"\n'
    text = a.directory.config_path.read_text("utf-8")
    for kind, most in ((0, 95), (1, 14)):
        made = [
            peer.format(
                b.signers.log.__class__(f"{number}/log", b.signers.log.signer).key.text, keys_of[kind]
            )
            for number in range(most + 10)
        ]
        config = parse(text + "".join(made[:most]), "node.toml")
        assert len(cosigning._peers(config)) == most
        with pytest.raises(InputError, match="no room in a checkpoint"):
            cosigning._peers(parse(text + "".join(made), "node.toml"))


@pytest.mark.parametrize("value", ['["a", "b", "c"]', "[1]", "1", '["' + "x" * 4001 + '"]'])
def test_what_does_not_name_a_cosigner(alone, value):
    text = alone.directory.config_path.read_text("utf-8")
    with pytest.raises(InputError, match="peer"):
        parse(text + f'\n[[peer]]\nurl = "x"\nlog-key = "y"\ncosigner-key = {value}\n', "node.toml")


def test_bundles_by_both_keys_stay_within_their_bounds(crew):
    a, b, c = crew
    for member in (b, c):
        before = member.signers.cosigner.key
        member.keys("rotate", "--cosigner", "ml-dsa-44")
        a.rename(member, before, member.signers.second.key)
    a.keys("rotate", "--cosigner", "ml-dsa-44")
    a.publish(1)
    rounds(b, c, a)
    assert cosigned_by(a, [b, c]) == [{"Operator b", "Operator c"}] * 4
    shard = next(iter(a.bundles()))
    assert len(note.parse(shard.proof.checkpoint).signatures) == 5  # the log's, and two of each peer
    assert bundle.parse(bundle.encode(shard)) == shard
    # Of its own checkpoint, all seven.
    signed = a.site.get("checkpoint", limit=MAX_SHARD)
    assert len(note.parse(signed).signatures) == 7
    everybody = [held.key for member in crew for held in member.signers.cosigners]
    assert len(open_checkpoint(signed, a.signers.log.key, everybody).cosignatures) == 6


QUANTUM = CheckpointCosigner(
    BETA.signers.cosigner.name, MlDsaKeyFile(MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
)


@pytest.fixture
def check(tmp_path):
    """Checks the wheel that `ALPHA` rebuilt, whose bundle has the lines that `more` gives for its checkpoint's text."""
    site = ALPHA.publish(tmp_path, [stated(ALPHA)])
    path = site / bundle.shard_path(SHA)
    held = bundle.parse(path.read_bytes()[:-1])
    (tmp_path / "beta").mkdir()
    beta = BETA.toml(str(tmp_path / "beta")).replace(BETA.identity.cosigner_key.text, QUANTUM.key.text)
    policy = tmp_path / "policy.toml"
    policy.write_text(f"version = 1\nthreshold = 1\ncosigners = 1\n{ALPHA.toml(str(site))}{beta}", "utf-8")
    pin = tmp_path / "requirements.txt"
    pin.write_text(f"demo==1.0 --hash=sha256:{SHA}\n", "utf-8")

    def run(more):
        signed = note.parse(held.proof.checkpoint)
        lines = (*signed.signatures, *more(signed.text))
        proof = replace(held.proof, checkpoint=note.encode(note.Note(signed.text, lines)))
        path.write_bytes(bundle.encode(replace(held, proof=proof)) + b"\n")
        env = {"WHEELWITNESS_POLICY": str(policy), "WHEELWITNESS_STATE": str(tmp_path / "seen")}
        return CliRunner().invoke(consumer, ["check", str(pin)], env=env)

    return run


def flipped(line):
    return replace(line, data=line.data[:-1] + bytes([line.data[-1] ^ 1]))


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (lambda text: [QUANTUM.sign(text, AT)], 0, "reproduced"),
        (lambda _: [], 3, "insufficient"),
        (lambda text: [flipped(QUANTUM.sign(text, AT))], 1, "does not hold"),
        (lambda text: [QUANTUM.sign(text.replace("\n1\n", "\n2\n"), AT)], 1, "does not hold"),
        (lambda text: [replace(QUANTUM, name="other").sign(text, AT)], 3, "insufficient"),
    ],
    ids=["by the key", "by nobody", "changed", "of another tree", "in another name"],
)
def test_a_consumer_counts_on_an_ml_dsa_cosigner(check, more, code, words):
    done = check(more)
    assert (done.exit_code, words in done.output) == (code, True), done.output


def test_a_consumer_who_cannot_verify_ml_dsa_decides_nothing(check, monkeypatch):
    def unsupported(_):
        raise UnsupportedAlgorithm("ML-DSA-44 is not supported by this backend.")

    monkeypatch.setattr(MLDSA44PublicKey, "from_public_bytes", unsupported)
    done = check(lambda text: [QUANTUM.sign(text, AT)])
    assert (done.exit_code, "ML-DSA-44 cannot be verified here" in done.output) == (5, True), done.output
