"""Directories by real python-tuf: a repository on loopback, what consumers take from it, and what they refuse."""

import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, key_file, stated, wheel
from tests.static_site import serving
from witness import directory
from witness.cli.main import app
from witness.digest import sha256_hex
from witness.directories import Directories
from witness.directory import Directory, Member
from witness.errors import Incomplete, InputError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from tuf_directory import Repository

GOOD = sha256_hex(wheel())
SEEN = datetime.now(UTC) - timedelta(days=1)


def member(node, **changes):
    identity = node.identity
    values = {
        "name": node.name,
        "operator": node.operator,
        "url": f"https://{node.name}.example/",
        "log_key": identity.log_key.text,
        "keys": (identity.keys[0].text,),
        "cosigner_key": identity.cosigner_key.text,
        "country": "NL",
    }
    return Member(**(values | changes))


def listed(*members):
    return directory.encode(Directory(members))


class World:
    """A repository with two members, and a consumer beside it."""

    def __init__(self, root: Path):
        self.root = root
        self.policy = root / "consumer" / "policy.toml"
        self.policy.parent.mkdir()
        self.repository = self.at(datetime.now(UTC))
        self.repository.init()
        self.repository.publish(listed(member(ALPHA), member(BETA)))
        self.url = str(root / "repository")

    def at(self, now):
        return Repository(self.root / "repository", self.root / "keys", now)

    @property
    def served(self):
        return self.root / "repository"

    def run(self, *arguments):
        env = {"WHEELWITNESS_POLICY": str(self.policy), "WHEELWITNESS_STATE": str(self.root / "seen")}
        return CliRunner().invoke(app, [str(item) for item in arguments], env=env)

    def add(self):
        return self.run("directory", "add", "net", self.url, "--root", self.served / "metadata/1.root.json")

    def update(self):
        return self.run("directory", "update")

    def members(self):
        return Directories(self.policy).read("net", datetime.now(UTC)).members

    def write_policy(self, **more):
        text = "version = 1\nthreshold = 2\n"
        for node in (ALPHA, BETA):
            text += f'\n[[witness]]\ndirectory = "net"\nname = "{node.name}"\noperator = "{node.operator}"\n'
            text += f'url = "{node.name}-site"\n' + more.get(node.name, "")
        self.policy.write_text(text, encoding="utf-8")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_added_updated_and_rotated_over_http(world):
    with serving(world.served) as site:
        world.url = site.url
        done = world.add()
        assert done.exit_code == 0, done.output
        assert "net: alpha is new" in done.output
        assert "net: 2 members, until " in done.output
        assert world.members() == (member(ALPHA), member(BETA))
        other = key_file("another key").public_key.text
        world.repository.publish(listed(member(ALPHA, keys=(other,))))
        done = world.update()
        assert done.exit_code == 0, done.output
        assert "net: alpha has another keys than before" in done.output
        assert "net: beta is gone" in done.output
        for _ in range(2):
            world.repository.rotate()
        world.repository.publish(listed(member(ALPHA), member(BETA)))
        done = world.update()
        assert done.exit_code == 0, done.output
        assert world.members() == (member(ALPHA), member(BETA))
        # One who comes late, with the first root, follows the chain of roots.
        assert world.run("directory", "remove", "net").exit_code == 0
        assert world.add().exit_code == 0
    done = world.update()
    assert done.exit_code == 5
    assert world.members() == (member(ALPHA), member(BETA))


def test_a_rollback_is_refused(world):
    old = world.root / "old"
    shutil.copytree(world.served, old)
    world.repository.publish(listed(member(ALPHA)))
    assert world.add().exit_code == 0
    shutil.rmtree(world.served)
    old.rename(world.served)
    done = world.update()
    assert done.exit_code == 5
    assert "older than what was seen before" in done.stderr
    assert world.members() == (member(ALPHA),)


def test_what_is_frozen_or_expired_is_refused(world):
    assert world.add().exit_code == 0
    world.at(datetime.now(UTC) - timedelta(days=30)).publish(listed(member(ALPHA)))
    done = world.update()
    assert done.exit_code == 5
    assert "frozen, or not kept up" in done.stderr
    assert world.members() == (member(ALPHA), member(BETA))
    with pytest.raises(Incomplete, match="directory net: expired at"):
        Directories(world.policy).read("net", datetime.now(UTC) + timedelta(days=91))
    # A new timestamp is enough, as long as the members themselves have not expired.
    world.repository.refresh()
    assert world.update().exit_code == 0
    assert world.members() == (member(ALPHA),)


def test_the_online_key_alone_changes_nothing(world):
    """A thief of it has no threshold of the others: members that he signed are refused."""
    assert world.add().exit_code == 0
    for name in ("root-1", "root-2"):
        shutil.copy(world.root / "keys" / "online", world.root / "keys" / name)
    world.repository.publish(listed(member(ALPHA)))
    done = world.update()
    assert done.exit_code == 1
    assert "does not verify" in done.stderr
    assert world.members() == (member(ALPHA), member(BETA))


def test_another_root_is_refused(world, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "x").mkdir()
    stranger = World(other / "x")
    done = world.run("directory", "add", "net", world.url, "--root", stranger.served / "metadata/1.root.json")
    assert done.exit_code == 1
    with pytest.raises(Incomplete, match="never fetched"):
        world.members()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"x" * 600_000])
def test_what_is_no_root(world, content):
    path = world.root / "root.json"
    path.write_bytes(content)
    done = world.run("directory", "add", "net", world.url, "--root", path)
    assert done.exit_code == 2
    assert Directories(world.policy).names == ()


def test_a_root_that_nobody_signed(world):
    path = world.served / "metadata/1.root.json"
    changed = re.sub(rb'"threshold": *2', b'"threshold":1', path.read_bytes())
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    done = world.add()
    assert done.exit_code == 2
    assert "not a root of TUF that its keys signed" in done.stderr


def test_what_is_changed_on_the_way_is_refused(world):
    (path,) = [path for path in (world.served / "targets").iterdir() if b"alpha" in path.read_bytes()]
    path.write_bytes(path.read_bytes().replace(b"NL", b"FR"))
    done = world.add()
    assert done.exit_code == 1
    assert "does not verify" in done.stderr


def test_names_and_places(world):
    assert world.run("directory", "update").exit_code == 2
    for name in ("../net", "Net", "", ".net", "a" * 65):
        done = world.run("directory", "add", name, world.url, "--root", world.served / "metadata/1.root.json")
        assert done.exit_code == 2, name
    assert world.add().exit_code == 0
    assert world.add().exit_code == 2
    done = world.run("directory", "list")
    assert done.stdout.startswith(f"net: {world.url}, until ")
    done = world.run("directory", "list", "net")
    assert "alpha (Operator A): https://alpha.example/\n  says of itself: NL\n" in done.stdout
    assert ALPHA.identity.log_key.text in done.stdout
    assert world.run("directory", "remove", "net").exit_code == 0
    assert world.run("directory", "remove", "net").exit_code == 2
    assert world.run("directory", "list").stdout == ""


class TestInPolicies:
    @pytest.fixture
    def trusting(self, world):
        world.write_policy()
        assert world.add().exit_code == 0
        for node in (ALPHA, BETA):
            node.publish(world.policy.parent, [stated(node, sha256=GOOD, finished=SEEN)])
        self.wheel = world.root / WHEEL
        self.wheel.write_bytes(wheel())
        return world

    def check(self, world):
        return world.run("check", self.wheel)

    def test_keys_come_from_the_directory(self, trusting):
        done = self.check(trusting)
        assert (done.exit_code, done.stdout) == (0, "1 file: 1 reproduced\n"), done.output

    def test_nobody_votes_whom_the_policy_does_not_name(self, trusting):
        text = trusting.policy.read_text("utf-8")
        trusting.policy.write_text(text[: text.rindex("[[witness]]")], encoding="utf-8")
        done = self.check(trusting)
        assert done.exit_code == 2
        assert "2 operators are asked for, and 1 named" in done.stderr

    def test_a_key_of_the_policy_beats_the_directory_and_is_told(self, trusting):
        other = key_file("another key").public_key.text
        trusting.repository.publish(listed(member(ALPHA, keys=(other,)), member(BETA)))
        assert trusting.update().exit_code == 0
        # The new key of the directory counts, and nothing that was signed by the old one.
        assert self.check(trusting).exit_code == 1
        trusting.write_policy(alpha=f'keys = ["{ALPHA.identity.keys[0].text}"]\n')
        done = self.check(trusting)
        assert done.exit_code == 0, done.output
        assert "alpha: the directory net has another keys than the policy" in done.stderr

    def test_an_operator_is_whom_the_policy_says(self, trusting):
        trusting.repository.publish(listed(member(ALPHA, operator="Operator Z"), member(BETA)))
        assert trusting.update().exit_code == 0
        done = self.check(trusting)
        assert done.exit_code == 2
        assert "witness[1].operator: 'Operator A' here, and 'Operator Z' in the directory net" in done.stderr

    def test_one_key_under_two_names_has_no_two_votes(self, trusting):
        keys = (ALPHA.identity.keys[0].text,)
        trusting.repository.publish(listed(member(ALPHA), member(BETA, keys=keys)))
        assert trusting.update().exit_code == 0
        done = self.check(trusting)
        assert done.exit_code == 2
        assert "a key that witness[1] has too" in done.stderr

    def test_a_member_that_is_gone(self, trusting):
        trusting.repository.publish(listed(member(ALPHA)))
        assert "net: beta is gone" in trusting.update().output
        done = self.check(trusting)
        assert done.exit_code == 2
        assert "'beta' is no member of the directory net" in done.stderr

    def test_without_the_directory(self, trusting):
        assert trusting.run("directory", "remove", "net").exit_code == 0
        done = self.check(trusting)
        assert done.exit_code == 2
        assert "no directory net" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(b'"schema":"directory/1"', b'"schema":"directory/2"'), "schema"),
        (lambda text: text.replace(b'"operator"', b'"owner"', 1), "members.0"),
        (lambda text: text.replace(b'"alpha"', b'"beta"', 1), "a name twice"),
        (lambda text: text.replace(b"https://alpha.example/", b"/etc/passwd"), "not a web address"),
        (lambda text: text.replace(b"ed25519:", b"ed25518:", 1), "members.0: key"),
        (lambda text: text.replace(b"Operator A", b"Operator \\n"), "not printable"),
        (lambda text: text + b" " * (1 << 20), "more than"),
        (lambda text: text[:-1], "not valid JSON"),
    ],
)
def test_what_is_no_directory(change, message):
    text = listed(member(ALPHA), member(BETA))
    assert directory.parse(text) == Directory((member(ALPHA), member(BETA)))
    assert directory.encode(directory.parse(text)) == text
    with pytest.raises(Exception, match=message) as caught:
        directory.parse(change(text))
    assert caught.type.__name__ == "Malformed"


def test_python_tuf_is_asked_for_where_it_is_missing(world, monkeypatch):
    monkeypatch.setattr("witness.directories.find_spec", lambda name: None)
    with pytest.raises(InputError, match="python-tuf, which is not installed"):
        Directories(world.policy).add("net", world.url, b"{}")
