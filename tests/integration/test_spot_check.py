"""A node that commits, one that claims what it has not built, and an operator who tries both. Through the commands."""
# ruff: noqa: F811 - fixtures are named as what they are

import json

import pytest

from tests.integration.test_node import (  # noqa: F401 - fixtures
    environment,
    index,
    node,
    rebuilder,
    renamed,
)
from tests.integration.trusted_nodes import ALPHA, stated
from witness.compare.ladder import compare
from witness.digest import sha256_hex
from witness.observation import DigestSet, Resource
from witness.statement import Statement
from witness.wheel.reader import read_wheel

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

DIFFERS = "\nMEMBERS['evil.py'] = b'other'\n"
KEYS = ("--log-key", ALPHA.identity.log_key.text, "--key", ALPHA.identity.keys[0].text, "--name", ALPHA.name)


def claim(files, **changes):
    """What a node says of a release that it has not built: bitwise, with all that anybody can know."""
    (name, data), (source, sdist) = sorted(files.items())
    wheel = read_wheel(data)
    comparison = compare(wheel, wheel).comparison
    said = stated(ALPHA, sha256=sha256_hex(data), filename=name).observation
    update = {
        "comparison": comparison,
        "source": Resource(name=source, digest=DigestSet(sha256=sha256_hex(sdist))),
        **changes,
    }
    return Statement(name, sha256_hex(data), said.model_copy(update=update))


@pytest.fixture
def releases(index):
    index.files["demo"] = renamed("demo")
    index.files["evil"] = renamed("evil", DIFFERS)
    index.files["gone"] = renamed("gone")
    return index


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_liar_is_refuted_by_a_sample(rebuilder, releases, tmp_path):
    site = ALPHA.publish(tmp_path, [claim(files) for files in releases.files.values()])
    (tmp_path / "other").mkdir()
    other = ALPHA.publish(tmp_path / "other", [claim(releases.files.pop("gone"))])
    canaries, out = tmp_path / "canaries.txt", tmp_path / "spots.jsonl"
    canaries.write_text("evil-1.0-py3-none-any.whl  # kept from everybody\n")
    asked = ("spot-check", site, *KEYS, "--index", f"{releases.url}simple/", "--out", out)
    told = rebuilder(*asked, "--canaries", canaries, "--seed", "s", expect=1)
    assert "alpha.example/log, 3 entries, 3 claims; trying 3, seed s" in told
    assert "refuted: evil-1.0-py3-none-any.whl (canary): our rebuild differs: " in told
    assert "evil.py (content)" in told
    assert "1 confirmed, 1 refuted, 1 untried" in told
    found = {line["filename"].split("-")[0]: line for line in lines(out)}
    assert next(iter(found)) == "evil"  # canaries first
    assert {name: (line["outcome"], line["canary"]) for name, line in found.items()} == {
        "demo": ("confirmed", False),
        "evil": ("refuted", True),
        "gone": ("untried", False),
    }
    assert found["evil"]["claimed"]["level"] == "bitwise"
    assert found["evil"]["rebuild"]["result"] == "mismatch"
    assert (found["demo"]["log"], found["demo"]["size"], found["demo"]["seed"]) == (
        "alpha.example/log",
        3,
        "s",
    )

    first = rebuilder(*asked, "--count", 1, "--seed", "s", "--canaries", canaries, "--quiet", expect=1)
    assert first.startswith("refuted: evil")
    assert "1 untried" in rebuilder(asked[0], other, *asked[2:], expect=3)


def test_what_cannot_be_used_is_said_before_anything_is_built(rebuilder, releases, tmp_path):
    site = ALPHA.publish(tmp_path, [claim(releases.files["demo"])])
    at = ("--index", f"{releases.url}simple/")
    rebuilder("spot-check", site, "--log-key", "nonsense", *KEYS[2:], *at, expect=2)
    rebuilder("spot-check", tmp_path / "nothing", *KEYS, *at, expect=5)
    rebuilder("spot-check", site, *KEYS, "--canaries", tmp_path / "nothing", *at, expect=2)
    rebuilder("spot-check", site, *KEYS, "--out", tmp_path, *at, expect=2)
    assert not [path for path in releases.asked if path.startswith("/files/")]


def test_a_node_that_commits_keeps_canaries(rebuilder, releases, node, tmp_path):
    directory, _ = node
    text = directory.config_path.read_text("utf-8")
    assert "commit = false" in text
    text = text.replace("commit = false", "commit = true").replace("canaries = 0", "canaries = 5")
    directory.config_path.write_text(text, "utf-8")
    rebuilder("add", directory.root, "demo==1.0", "evil==1.0")
    told = rebuilder("run", directory.root, "--once")
    assert "committed to" in told
    assert "published" not in told
    assert not (directory.site / "observations").exists()
    told = rebuilder("status", directory.root)
    assert "2 committed to and not revealed" in told
    assert json.loads(rebuilder("status", directory.root, "--json"))["hidden"] == 2
    names = rebuilder("canaries", directory.root).split()
    assert names in ([], ["evil-1.0-py3-none-any.whl"])  # one mismatch in four
    assert "evil" not in (
        rebuilder("canaries", directory.root, "--reveal", "demo-1.0-py3-none-any.whl", expect=2)
    )
    for name in names:
        rebuilder("canaries", directory.root, "--reveal", name)
    assert rebuilder("canaries", directory.root) == ""
