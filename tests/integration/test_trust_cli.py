"""A first run: a policy is begun, witnesses are looked at and trusted, and the policy is examined and tested."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tests.integration.test_check_cli import BAD, GOOD, SEEN
from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, WHEEL, Node, stated, wheel
from tests.static_site import serving
from tests.unit.test_nodeinfo import node_json
from witness import note
from witness import policy as policies
from witness.cli.main import app
from witness.limits import MAX_POLICY
from witness.log.seen import SeenLog
from witness.nodeinfo import parse
from witness.policyfile import TEMPLATE
from witness.tlog.checkpoint import Checkpoint


@pytest.fixture
def root(tmp_path):
    for node in (ALPHA, BETA, GAMMA):
        site = node.publish(tmp_path, [stated(node, sha256=GOOD, finished=SEEN)])
        (site / "node.json").write_bytes(node_json(node))
    (tmp_path / WHEEL).write_bytes(wheel())
    return tmp_path


def run(root, *arguments, **env):
    env = {"WHEELWITNESS_POLICY": str(root / "policy.toml"), **env}
    return CliRunner().invoke(app, list(arguments), env=env)


def keys(node):
    return [argument for key in parse(node_json(node)).keys for argument in ("--key", key)]


def site(root, node):
    return str(root / f"{node.name}-site")


def begun(root):
    assert run(root, "policy", "init", str(root / "policy.toml")).exit_code == 0
    return root / "policy.toml"


def typed(root, answer, *arguments):
    """Exit code and output of the program on a real terminal, where somebody types `answer`."""
    master, slave = pty.openpty()
    command = [sys.executable, "-c", "from witness.cli.main import main; main()", *arguments]
    environment = {**os.environ, "WHEELWITNESS_POLICY": str(root / "policy.toml"), "TERM": "dumb"}
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    os.write(master, answer.encode())
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        seen += chunk
    os.close(master)
    return process.wait(60), seen.decode()


def test_from_nothing_to_a_verdict(root):
    path = begun(root)
    first = run(root, "trust", "add", site(root, ALPHA), "--yes", *keys(ALPHA))
    assert first.exit_code == 0, first.output
    assert "not usable yet: " in first.stdout
    assert "threshold: 2 operators are asked for, and 1 named" in first.stdout
    second = run(root, "trust", "add", site(root, BETA), "--yes", *keys(BETA))
    assert (second.exit_code, "not usable" in second.stdout) == (0, False)
    assert run(root, "check", str(root / WHEEL)).exit_code == 0
    text = path.read_text("utf-8")
    assert text.startswith(TEMPLATE.rstrip("\n"))
    assert [item.identity for item in policies.parse(text, name="p").witnesses] == [
        ALPHA.identity,
        BETA.identity,
    ]
    assert run(root, "trust", "remove", "alpha").exit_code == 0
    assert run(root, "trust", "remove", "beta").exit_code == 0
    assert path.read_text("utf-8").strip() == TEMPLATE.strip()


def test_what_is_shown_before_anybody_is_asked(root):
    begun(root)
    code, shown = typed(root, "y\n", "trust", "add", site(root, ALPHA))
    assert code == 0, shown
    assert "alpha, by its own word run by Operator A" in shown
    for key in parse(node_json(ALPHA)).keys:
        assert key in shown
    assert len(re.findall(r"(?:[0-9a-f]{4} ){15}[0-9a-f]{4}", shown)) == 3
    assert "1 entry, signed by its log key" in shown
    assert f"about {WHEEL}" in shown
    assert "Are these the keys of Operator A" in shown
    assert "alpha" in (root / "policy.toml").read_text("utf-8")


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_whoever_does_not_say_yes_trusts_nobody(root, answer):
    path = begun(root)
    code, shown = typed(root, answer, "trust", "add", site(root, ALPHA))
    assert (code, "nothing was trusted" in shown) == (1, True)
    assert path.read_text("utf-8") == TEMPLATE


def test_nothing_is_trusted_in_silence(root):
    path = begun(root)
    for arguments in ([], ["--yes"], ["--yes", *keys(ALPHA)[:2]], ["--yes", *keys(BETA)], keys(BETA)):
        result = run(root, "trust", "add", site(root, ALPHA), *arguments)
        assert result.exit_code in (1, 2)
        assert result.stderr
        assert path.read_text("utf-8") == TEMPLATE


def spoil(site_, **changes):
    value = json.loads((site_ / "node.json").read_bytes()) | changes
    (site_ / "node.json").write_text(json.dumps(value), "utf-8")


def test_a_node_whose_log_is_not_its_own_is_refused(root):
    path = begun(root)
    impostor = root / "alpha-site"
    spoil(impostor, logKey=BETA.identity.log_key.text)
    result = run(root, "trust", "add", str(impostor))
    assert (result.exit_code, path.read_text("utf-8")) == (1, TEMPLATE)


def test_entries_by_other_keys_are_told(root):
    begun(root)
    spoil(root / "alpha-site", keys=[key.text for key in BETA.identity.keys])
    _, shown = typed(root, "n\n", "trust", "add", site(root, ALPHA))
    assert shown.count("is not signed by the keys above") == 2


def test_a_log_that_was_caught_is_not_trusted(root):
    path = begun(root)
    signers = ALPHA.signers
    seen = SeenLog(root / "state", signers.log.key)
    for filler in (b"1", b"2"):
        text = Checkpoint(signers.log.name, 1, filler * 32).text
        seen.see(note.encode(note.Note(text, (signers.log.sign(text),))))
    result = run(
        root, "trust", "add", site(root, ALPHA), "--yes", *keys(ALPHA), WHEELWITNESS_STATE=str(root / "state")
    )
    assert (result.exit_code, "caught before" in result.stderr) == (1, True)
    assert path.read_text("utf-8") == TEMPLATE


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://node.example/", 2),
        ("ftp://node.example/", 2),
        ("no/such/directory", 2),
        ("https://[node", 2),
        ("~nobody-of-this-name/node", 2),
    ],
)
def test_addresses_that_are_not_asked(root, url, code):
    begun(root)
    assert run(root, "trust", "add", url).exit_code == code


def test_a_directory_without_a_node_is_incomplete(root):
    begun(root)
    (root / "empty").mkdir()
    assert run(root, "trust", "add", str(root / "empty")).exit_code == 5


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_over_http_on_loopback(root):
    begun(root)
    with serving(site(root, ALPHA)) as served:
        result = run(root, "trust", "add", served.url, "--yes", *keys(ALPHA))
    assert result.exit_code == 0, result.output
    assert f'url = "{served.url}"' in (root / "policy.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (ALPHA, "the same name"),
        (Node("alpha", "operator a"), "name"),
        (Node("delta", "operator  A"), "is also written"),
    ],
)
def test_what_the_policy_could_not_hold_is_not_written(root, other, problem):
    path = begun(root)
    assert run(root, "trust", "add", site(root, ALPHA), "--yes", *keys(ALPHA)).exit_code == 0
    before = path.read_text("utf-8")
    shutil.rmtree(root / f"{other.name}-site", ignore_errors=True)
    shutil.rmtree(root / f"{other.name}-state", ignore_errors=True)
    place = other.publish(root, [stated(other, sha256=GOOD, finished=SEEN)])
    (place / "node.json").write_bytes(node_json(other))
    result = run(root, "trust", "add", str(place), "--yes", *keys(other))
    assert (result.exit_code, problem in result.stderr) == (2, True), result.stderr
    assert path.read_text("utf-8") == before


HAND_MADE = """\
# mine
threshold = 1 # for now
version = 1
cosigners=0

[[witness]] # the first
name = "alpha"
operator = 'Operator A'
url = "alpha-site"
log-key = "{log}"
keys = [
  "{key}", # since May
]

# what we make ourselves
[[exempt]]
package = "ours"
reason = "built in house"
expires = 2999-01-01
"""


def hand_made(root):
    path = root / "policy.toml"
    identity = ALPHA.identity
    text = HAND_MADE.replace("{log}", identity.log_key.text).replace("{key}", identity.keys[0].text)
    path.write_text(text, "utf-8")
    path.chmod(0o640)
    return path, text


def test_comments_order_and_mode_stay(root):
    path, text = hand_made(root)
    assert run(root, "trust", "add", site(root, BETA), "--yes", *keys(BETA)).exit_code == 0
    edited = path.read_text("utf-8")
    assert [line for line in edited.splitlines() if line in text.splitlines()] != []
    for line in text.splitlines():
        assert line in edited.splitlines()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [item.name for item in policies.parse(edited, name="p").witnesses] == ["alpha", "beta"]
    assert run(root, "trust", "remove", "beta").exit_code == 0
    assert policies.parse(path.read_text("utf-8"), name="p") == policies.parse(text, name="p")
    result = run(root, "trust", "remove", "gamma")
    assert (result.exit_code, "It names alpha" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    "text", ["=", "witness = 1", "witness = [{name = 'a'}]", "[[witness]]\nnmae = 'a'\n", "x = 1"]
)
def test_a_policy_that_is_none_is_not_edited(root, text):
    path = root / "policy.toml"
    path.write_text(text, "utf-8")
    result = run(root, "trust", "add", site(root, ALPHA), "--yes", *keys(ALPHA))
    assert (result.exit_code, path.read_text("utf-8")) == (2, text)
    assert "Traceback" not in result.output


def test_a_policy_that_is_too_large_is_not_cut(root):
    path, text = hand_made(root)
    larger = text + "# \N{EM DASH}" + "x" * MAX_POLICY + "\n[[witness]]\n"
    path.write_text(larger, "utf-8")
    for arguments in (["remove", "alpha"], ["add", site(root, BETA), "--yes", *keys(BETA)]):
        result = run(root, "trust", *arguments)
        assert (result.exit_code, "larger than any policy" in result.stderr) == (2, True)
    assert path.read_text("utf-8") == larger


def test_names_of_strangers_are_data(root):
    begun(root)
    hostile = Node("alpha", 'x"\n[[exempt]]\npackage = "demo"'.replace("\n", " "))
    spoil(root / "alpha-site", operator=hostile.operator)
    assert run(root, "trust", "add", site(root, ALPHA), "--yes", *keys(ALPHA)).exit_code == 0
    path = root / "policy.toml"
    assert run(root, "trust", "add", site(root, BETA), "--yes", *keys(BETA)).exit_code == 0
    parsed = policies.parse(path.read_text("utf-8"), name="p")
    assert parsed.exemptions == ()
    assert parsed.witnesses[0].operator == hostile.operator


def test_init_never_overwrites(root):
    path = begun(root)
    result = run(root, "policy", "init", str(path))
    assert (result.exit_code, "is there already" in result.stderr) == (2, True)
    assert run(root, "policy", "init", str(root / "new" / "place" / "policy.toml")).exit_code == 0


def test_lint(root):
    begun(root)
    assert run(root, "policy", "lint").exit_code == 2
    for node in (ALPHA, BETA):
        run(root, "trust", "add", site(root, node), "--yes", *keys(node))
    result = run(root, "policy", "lint")
    assert result.exit_code == 1
    assert "threshold: all 2 operators are needed" in result.stdout
    assert "  wiser: " in result.stdout


CASES = """\
version = 1

[[case]]
name = "two operators agree"
bundles = ["evidence.jsonl"]
sha256 = "{good}"
filename = "{wheel}"
project = "Demo"
release = "1.0"
expect = "reproduced"
level = "bitwise"

[[case]]
name = "nobody has seen it"
bundles = ["evidence.jsonl"]
sha256 = "{bad}"
expect = "unattempted"

[[case]]
name = "too old by then"
bundles = ["evidence.jsonl"]
sha256 = "{good}"
at = 2999-01-01T00:00:00Z
expect = "stale"
"""


def cases(root, text=CASES):
    for node in (ALPHA, BETA):
        run(root, "trust", "add", site(root, node), "--yes", *keys(node))
    shards = [
        root / f"{node.name}-site" / "observations" / GOOD[:2] / f"{GOOD}.jsonl" for node in (ALPHA, BETA)
    ]
    (root / "evidence.jsonl").write_bytes(b"".join(shard.read_bytes() for shard in shards))
    path = root / "cases.toml"
    told = text.replace("{good}", GOOD).replace("{bad}", BAD).replace("{wheel}", WHEEL)
    path.write_text(told, "utf-8")
    return str(path)


def test_policies_can_be_tested(root):
    path = begun(root)
    file = cases(root)
    for node in (ALPHA, BETA):
        shutil.rmtree(root / f"{node.name}-site")
    result = run(root, "policy", "test", file)
    assert (result.exit_code, result.stdout) == (0, "3 cases, 0 not as expected\n")
    path.write_text(
        path.read_text("utf-8").replace('accept = ["bitwise", "archive"]', 'accept = ["content"]'), "utf-8"
    )
    result = run(root, "policy", "test", file)
    assert result.exit_code == 1
    assert "two operators agree: insufficient instead of reproduced" in result.stdout


@pytest.mark.parametrize(
    "change",
    [
        ("version = 1", "version = 2"),
        ('expect = "stale"', 'expect = "fine"'),
        ('expect = "stale"', 'expect = "stale"\nexpects = "x"'),
        ('bundles = ["evidence.jsonl"]', "bundles = []"),
        ('bundles = ["evidence.jsonl"]', 'bundles = ["missing.jsonl"]'),
        ('bundles = ["evidence.jsonl"]', 'bundles = ["\\u0000"]'),
        ('sha256 = "{bad}"', 'sha256 = "x"'),
        ("at = 2999", "at = "),
        ("[[case]]", "[[cases]]"),
    ],
)
def test_cases_that_are_none(root, change):
    begun(root)
    result = run(root, "policy", "test", cases(root, CASES.replace(*change)))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.output


def test_a_level_that_is_not_as_expected(root):
    begun(root)
    result = run(root, "policy", "test", cases(root, CASES.replace('level = "bitwise"', 'level = "archive"')))
    assert (result.exit_code, "level bitwise instead of archive" in result.stdout) == (1, True)
