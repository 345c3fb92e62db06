"""A node whose keys are not in files: in SoftHSM, a PKCS#11 token made of software, and behind `file2:` in any case."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.node import rotation, signer
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.setup import make
from tests.integration.test_rotation_killed import assert_believed
from tests.signed_log import ecdsa_key, key, observed, put_in
from witness import statement
from witness.errors import Incomplete, InputError, WheelwitnessError
from witness.verification import WitnessIdentity

pytest.importorskip("securesystemslib", reason="the extra `signers` is not installed")

MODULE = next(
    (
        path
        for path in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"))
        if path.exists()
    ),
    None,
)
PIN = "4711-0815"


@dataclass
class Node:
    """A node in a directory, whose `node.toml` a test goes on writing."""

    directory: NodeDirectory
    identity: WitnessIdentity
    text: str
    tables: dict[str, list[str]] = field(default_factory=dict)
    published: int = 0

    @classmethod
    def new(cls, root):
        directory = NodeDirectory(root / "node")
        signers = make(directory, NodeConfig(version=1, name="node-a", operator="Operator A"))
        keys = (signers.observations.public_key,)
        identity = WitnessIdentity("node-a", "Operator A", signers.log.key, keys, signers.cosigner.key)
        return cls(directory, identity, directory.config_path.read_text())

    def configure(self, role, **values):
        def shown(value):
            return str(value) if isinstance(value, list) else f'"{value}"'

        lines = [f"{name.replace('_', '-')} = {shown(value)}" for name, value in values.items()]
        self.tables[role] = lines
        self.write()

    def write(self):
        tables = [f"[signer.{role}]\n" + "\n".join(lines) + "\n" for role, lines in self.tables.items()]
        self.directory.config_path.write_text("\n".join([self.text, *tables]))

    def move(self):
        """What an operator does after a rotation, whenever he likes: the new table in the old one's place."""
        self.tables["observation"] = self.tables.pop("next")
        self.write()
        (self.directory.keys / "observation.pem").unlink(missing_ok=True)

    def rotate(self):
        done = CliRunner().invoke(app, ["keys", "rotate", str(self.directory.root), "--next"])
        assert done.exit_code == 0, done.output
        return done.output.split()[2]

    def publish(self):
        """Signs one more observation, in the signer's own process."""
        put_in(self.directory.outbox, statement.encode(observed(self.published, by="node-a")))
        self.published += 1
        assert signer.publish_apart(self.directory)["refused"] == []
        assert assert_believed(self.directory, self.identity).artifacts == self.published


@pytest.fixture
def node(tmp_path):
    return Node.new(tmp_path)


def kept(path, held):
    path.touch(mode=0o600)
    path.write_bytes(held._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return f"file2:{path}"


def test_from_a_file_to_a_signer_to_another_and_back(node, tmp_path):
    node.publish()
    for number, held in enumerate((ecdsa_key("one"), key("two"))):
        node.configure("next", uri=kept(tmp_path / f"{number}.pem", held), public_key=held.public_key.text)
        assert node.rotate() == held.public_key.text
        node.publish()
        node.move()
        node.publish()
    rotation.rotate(node.directory, datetime.now(UTC), None)
    node.publish()
    assert len(rotation.listed(node.directory).events) == 3


def test_the_keys_of_log_and_cosigner_may_be_elsewhere_if_they_are_ed25519(node, tmp_path):
    for role in ("log", "cosigner"):
        path = node.directory.keys / f"{role}.pem"
        path.rename(tmp_path / path.name)
        own = {"log": node.identity.log_key, "cosigner": node.identity.cosigner_key}[role].public_key
        node.configure(role, uri=f"file2:{tmp_path / path.name}", public_key=own.text)
    node.publish()


def test_no_ecdsa_key_for_a_log(node, tmp_path):
    held = ecdsa_key("log")
    node.configure("log", uri=kept(tmp_path / "log.pem", held), public_key=held.public_key.text)
    with pytest.raises(InputError, match="does not begin with 'ed25519:'") as caught:
        signer.publish(node.directory)
    assert "Ed25519 keys alone" in caught.value.hint


def test_a_signer_of_another_key_signs_nothing(node, tmp_path):
    node.configure("next", uri=kept(tmp_path / "one.pem", key("one")), public_key=key("two").public_key.text)
    with pytest.raises(WheelwitnessError):
        rotation.rotate(node.directory, datetime.now(UTC), None, configured=True)
    assert not (node.directory.site / "checkpoint").exists()
    node.publish()


def test_a_signer_that_the_log_does_not_name_signs_nothing(node, tmp_path):
    node.configure(
        "observation", uri=kept(tmp_path / "one.pem", key("one")), public_key=key("one").public_key.text
    )
    (node.directory.keys / "observation.pem").unlink()
    with pytest.raises(InputError, match="not one that consumers believe"):
        signer.publish(node.directory)


def test_there_must_be_a_next_one(node):
    with pytest.raises(InputError, match=r"no \[signer.next\]"):
        rotation.rotate(node.directory, datetime.now(UTC), None, configured=True)


@dataclass
class Token:
    """A SoftHSM token with a P-256 key of the id 2."""

    uri: str
    public_key: str
    variables: dict[str, str]


MAKE_KEY = """
import os, sys
import pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
token = pkcs11.lib(os.environ["PYKCS11LIB"]).get_token(token_label="node-a")
with token.open(rw=True, user_pin=sys.stdin.read()) as session:
    parameters = session.create_domain_parameters(
        pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
    )
    parameters.generate_keypair(store=True, id=b"\\x02", label="observations")
from securesystemslib.signer import HSMSigner
uri, key = HSMSigner.import_(2, "node-a")
print(uri)
print(key.keyval["public"])
"""


@pytest.fixture
def token(tmp_path, monkeypatch):
    if MODULE is None or shutil.which("softhsm2-util") is None:
        pytest.skip("no SoftHSM here (Debian: softhsm2)")
    pytest.importorskip("pkcs11", reason="the extra `hsm` is not installed")
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    variables = {"SOFTHSM2_CONF": str(configuration), "PYKCS11LIB": str(MODULE)}
    environment = {**os.environ, **variables}
    initialise = [
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        "node-a",
        "--so-pin",
        "0000",
        "--pin",
        PIN,
    ]
    subprocess.run(initialise, env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", MAKE_KEY],
        env=environment,
        input=PIN,
        check=True,
        capture_output=True,
        text=True,
    )
    uri, _, pem = done.stdout.partition("\n")
    (tmp_path / "public.pem").write_text(pem.strip() + "\n")
    shown = CliRunner().invoke(app, ["keys", "text", str(tmp_path / "public.pem")])
    assert shown.exit_code == 0, shown.output
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Token(uri, shown.output.strip(), variables)


def test_a_node_with_its_key_in_an_hsm(node, token, monkeypatch):
    node.publish()
    node.configure(
        "next",
        uri=token.uri,
        public_key=token.public_key,
        pin_variable="NODE_PIN",
        environment=list(token.variables),
    )
    monkeypatch.setenv("NODE_PIN", PIN)
    assert node.rotate() == token.public_key
    (node.directory.keys / "observation.pem").unlink()
    for _ in range(3):
        node.publish()


def test_the_pin_of_an_hsm_may_be_in_a_file_and_is_never_shown(node, token):
    secret = node.directory.root / "keys" / "pin"
    secret.touch(mode=0o600)
    node.configure(
        "next",
        uri=token.uri,
        public_key=token.public_key,
        pin_file="keys/pin",
        environment=list(token.variables),
    )
    for pin, words in (("", "not a PIN"), ("9999-wrong", "cannot sign")):
        secret.write_text(pin + "\n")
        with pytest.raises((InputError, Incomplete), match=words) as caught:
            signer.rotate_apart(node.directory, None, configured=True)
        assert not pin or pin not in str(caught.value) + caught.value.hint
    assert not (node.directory.site / "checkpoint").exists()
    secret.write_text(PIN + "\n")
    assert node.rotate() == token.public_key
    node.publish()


def test_without_its_pin_or_its_variables_nothing_is_signed(node, token):
    node.configure("next", uri=token.uri, public_key=token.public_key)
    with pytest.raises((InputError, Incomplete), match=r"PYKCS11LIB|PIN"):
        signer.rotate_apart(node.directory, None, configured=True)
    node.publish()


def test_what_is_no_public_key(tmp_path):
    (tmp_path / "x.pem").write_bytes(b"nothing")
    done = CliRunner().invoke(app, ["keys", "text", str(tmp_path / "x.pem")])
    assert (done.exit_code, "not a public key" in done.output) == (2, True)
    done = CliRunner().invoke(app, ["keys", "text", str(tmp_path / "none.pem")])
    assert done.exit_code == 2
