"""`wheelwitness hashes` against signed nodes; what it writes is installed by pip and uv from an index on loopback."""

import tomllib

import pytest

from tests.integration import trusted_nodes
from tests.integration.behind_proxy import chain, sdist, wheel
from witness.digest import sha256_hex
from witness.pylock import filtered

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]

GOOD, DEP, CHANGED = wheel("demo", "1.0", ["dep"]), wheel("dep", "3.0"), wheel("dep", "4.0")
SDIST = sdist("demo", "1.0")
GOOD_NAME, DEP_NAME, CHANGED_NAME = (
    f"{name}-py3-none-any.whl" for name in ("demo-1.0", "dep-3.0", "dep-4.0")
)


def hashed(text: str, *files: bytes) -> str:
    return text + "".join(f" \\\n    --hash=sha256:{sha256_hex(data)}" for data in files)


@pytest.fixture
def world(tmp_path):
    with chain(tmp_path) as made:
        made.see(GOOD_NAME, GOOD)
        made.see(DEP_NAME, DEP)
        made.see(CHANGED_NAME, CHANGED, "mismatch")
        index = made.index
        index.publish("demo", index.entry(GOOD_NAME, GOOD), index.entry("demo-1.0.tar.gz", SDIST))
        index.publish("dep", index.entry(DEP_NAME, DEP), index.entry(CHANGED_NAME, CHANGED))
        made.url = index.url  # without a proxy
        yield made


def write(world, text, name="requirements.txt"):
    path = world.root / name
    path.write_text(text, encoding="utf-8")
    return path


def hashes(world, *arguments):
    return world.wheelwitness("hashes", *arguments)


def test_only_hashes_that_pass_are_left_and_comments_and_markers_stay(world):
    path = write(
        world,
        "# made by hand\n\n--prefer-binary\n"
        + hashed("demo[x]==1.0 ; python_version >= '3.8'", GOOD, SDIST)
        + "\n    # via app\n"
        + hashed("dep==3.0", DEP)
        + "  # inline\n",
    )
    done = hashes(world, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "# made by hand\n\n--prefer-binary\n"
        + hashed("demo[x]==1.0 ; python_version >= '3.8'", GOOD)
        + "\n    # via app\n"
        + hashed("dep==3.0", DEP)
        + "\n    # inline\n"
    )


def test_pip_and_uv_install_from_what_is_written(world):
    path = write(world, hashed("demo==1.0", GOOD, SDIST) + "\n" + hashed("dep==3.0", DEP) + "\n")
    out = world.root / "accepted.txt"
    assert hashes(world, path, "--output", out).returncode == 0
    pip = world.pip("--require-hashes", "--no-deps", "-r", out)
    assert pip.returncode == 0, pip.stderr
    assert world.uv("venv", "--no-config", world.root / "env").returncode == 0
    python = world.root / "env/bin/python"
    uv = world.uv("pip", "sync", "--no-config", "--require-hashes", "--python", python, out)
    assert uv.returncode == 0, uv.stderr
    world.index.files[GOOD_NAME] = wheel("demo", "1.0", content=b"VERSION = 'evil'\n")
    again = world.pip("--require-hashes", "--no-deps", "--no-cache-dir", "-r", out, target="again")
    assert "do not match the hashes" in " ".join(again.stderr.split()).lower()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (hashed("dep==4.0", CHANGED), 1),
        (hashed("demo==1.0", GOOD) + "\n" + hashed("dep==4.0", CHANGED), 1),
        (hashed("demo==1.0", SDIST), 3),
        ("demo==1.0", 2),
        (hashed("demo==1.0", GOOD) + "\n./here", 3),
        (hashed("demo==1.0", GOOD) + "\n-e ./here", 3),
        ("", 4),
        ("??? what", 2),
    ],
)
def test_by_default_nothing_is_written_unless_all_of_it_passes(world, text, code):
    done = hashes(world, write(world, text + "\n"))
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert done.stderr or code == 4


def test_what_does_not_pass_is_left_out_with_a_comment(world):
    path = write(
        world,
        hashed("demo==1.0", GOOD) + "\n" + hashed("dep==4.0", CHANGED) + "\n    # via demo\n-e ./here\n",
    )
    done = hashes(world, path, "--skip")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == hashed("demo==1.0", GOOD).splitlines()
    assert lines[2].startswith(
        f"# left out, divergent: {CHANGED_NAME}: 2 trusted operators found it to differ"
    )
    assert lines[3] == "    # via demo"
    assert lines[4].startswith("# left out, not-applicable: -e ./here: ")
    assert f"{CHANGED_NAME}: DIVERGENT" in done.stderr


def test_what_must_be_mended_or_asked_again_is_not_skipped(world):
    assert hashes(world, write(world, hashed("demo==1.0", GOOD) + "\ndep==3.0\n"), "--skip").returncode == 2
    for site in ("alpha-site", "beta-site"):
        (world.root / site).rename(world.root / f"{site}-away")
    done = hashes(world, write(world, hashed("demo==1.0", GOOD) + "\n"), "--skip")
    assert (done.returncode, done.stdout) == (5, "")


def test_what_the_policy_stops_at_counts_unless_the_command_says_otherwise(world):
    path = write(world, hashed("demo==1.0", GOOD) + "\n")
    world.policy.write_text('fail-on = ["reproduced"]\n' + world.policy.read_text("utf-8"), "utf-8")
    done = hashes(world, path)
    assert (done.returncode, done.stdout) == (3, "")
    assert hashes(world, path, "--fail-on", "divergent").returncode == 0


def test_a_file_that_is_no_longer_allowed_is_told(world):
    path = write(world, hashed("dep==3.0", DEP, CHANGED) + "\n")
    done = hashes(world, path)
    assert done.stdout == hashed("dep==3.0", DEP) + "\n"
    assert f"no longer allowed: sha256:{sha256_hex(CHANGED)}: " in done.stderr


def test_included_files_constraints_and_other_interpreters(world):
    write(world, hashed("dep", DEP) + "\n# in the nested file\n", "nested.txt")
    write(world, "dep==3.0\n", "limits.txt")
    path = write(
        world,
        "-r nested.txt\n-c limits.txt\n"
        + hashed("demo==1.0", GOOD)
        + "\n"
        + hashed("other==1.0 ; python_version < '3'", CHANGED)
        + "\n"
        + hashed("demo==1.0", GOOD)
        + "\n",
    )
    done = hashes(world, path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        hashed("dep==3.0", DEP)
        + "\n# in the nested file\n# constraints, whose versions and hashes are below: limits.txt\n"
        + hashed("demo==1.0", GOOD)
        + "\n# left out, not for this interpreter or there already: other==1.0 ; python_version < '3'\n"
        + "# left out, not for this interpreter or there already: demo==1.0\n"
    )


def test_what_cannot_be_written_anew_is_refused(world):
    for name in ("a.txt", "b.txt"):
        write(world, "", name)
    done = hashes(world, write(world, hashed("dep==3.0", DEP) + "\n-r a.txt -r b.txt\n"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written anew" in done.stderr


def test_a_hash_is_never_written_for_another_project(world):
    # Read as it declares, the comment is two lines, and every requirement stands a line below where UTF-8 has it.
    text = "# coding: latin-1\n# \u00c5\n" + hashed("demo==1.0", GOOD) + "\n"
    text += "dep==3.0 --hash=sha256:" + sha256_hex(DEP) + "\n"
    done = hashes(world, write(world, text))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written anew" in done.stderr


def test_a_digest_alone_is_no_requirement(world):
    done = hashes(world, f"sha256:{sha256_hex(GOOD)}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no project to write it for" in done.stderr


def test_wheels_become_requirements(world):
    house = world.root / "wheelhouse"
    house.mkdir()
    seen = trusted_nodes.wheel()  # of which the nodes name the digests of what it holds
    (house / GOOD_NAME).write_bytes(seen)
    world.see(GOOD_NAME, seen)
    assert hashes(world, house).stdout == hashed("demo==1.0", seen) + "\n"


def test_one_operator_is_not_enough(world):
    (world.root / "beta-site").rename(world.root / "away")
    done = hashes(world, write(world, hashed("demo==1.0", GOOD) + "\n"))
    assert (done.returncode, done.stdout) == (3, "")


LOCK = f"""
lock-version = "1.0"
created-by = "tests"
created-at = 2026-01-02T03:04:05Z

[[packages]]
name = "demo"
version = "1.0"
marker = "python_version >= '3.8'"
wheels = [
  {{ name = "{GOOD_NAME}", url = "https://f.example/z", hashes = {{ md5 = "x", sha256 = "{sha256_hex(GOOD)}" }} }},
  {{ name = "demo-1.0-py2-none-any.whl", url = "https://f.example/x", hashes = {{ sha256 = "{sha256_hex(b"x")}" }} }},
]
sdist = {{ name = "demo-1.0.tar.gz", url = "https://f.example/y", hashes = {{ sha256 = "{sha256_hex(SDIST)}" }} }}

[[packages]]
name = "gone"
vcs = {{ type = "git", url = "https://g.example/", commit-id = "0" }}

[tool.tests]
kept = true
"""


def test_a_pylock_keeps_what_passes_and_what_it_says_of_it():
    value = tomllib.loads(filtered(LOCK, frozenset({sha256_hex(GOOD)}), name="pylock.toml"))
    before = tomllib.loads(LOCK)
    (package,) = value.pop("packages")
    first, _ = before.pop("packages")
    assert value == before
    wheel_, _ = first.pop("wheels")
    del first["sdist"]
    assert package == {**first, "wheels": [{**wheel_, "hashes": {"sha256": sha256_hex(GOOD)}}]}


def test_uv_installs_from_a_filtered_pylock(world):
    (world.root / "in.txt").write_text("demo\ndep<4\n", encoding="utf-8")
    made = world.uv("pip", "compile", "--no-config", "in.txt", "--format", "pylock.toml", "-o", "pylock.toml")
    assert made.returncode == 0, made.stderr
    path = world.root / "pylock.toml"
    assert "demo-1.0.tar.gz" in path.read_text("utf-8")
    passing = frozenset(map(sha256_hex, (GOOD, DEP)))
    path.write_text(filtered(path.read_text("utf-8"), passing, name="pylock.toml"), encoding="utf-8")
    assert "demo-1.0.tar.gz" not in path.read_text("utf-8")
    python = world.root / "env/bin/python"
    assert world.uv("venv", "--no-config", world.root / "env").returncode == 0
    done = world.uv("pip", "sync", "--no-config", "--preview", "--python", python, path)
    assert done.returncode == 0, done.stderr
    assert "+ demo==1.0" in done.stderr
