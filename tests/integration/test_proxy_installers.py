"""pip, uv and poetry behind the real proxy, as users have them: what they install, what not, and what they say."""

import hashlib
import json
import os
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.behind_proxy import ALPHA, BETA, chain, fetched, metadata, proxied, sdist, wheel, words

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]

GOOD, CHANGED, DEP = wheel("demo", "1.0", ["dep"]), wheel("demo", "2.0", ["dep"]), wheel("dep", "3.0")
GOOD_NAME, CHANGED_NAME, DEP_NAME = (
    f"{name}-py3-none-any.whl" for name in ("demo-1.0", "demo-2.0", "dep-3.0")
)
POETRY = os.environ.get("TEST_POETRY") or shutil.which("poetry")


@pytest.fixture
def world(tmp_path):
    """demo 1.0 and dep 3.0 were reproduced; demo 2.0 is not what its sdist gives."""
    with chain(tmp_path) as made:
        index = made.index
        made.see(GOOD_NAME, GOOD)
        made.see(DEP_NAME, DEP)
        made.see(CHANGED_NAME, CHANGED, "mismatch")
        described = metadata("demo", "1.0", ["dep"])
        index.files[f"{GOOD_NAME}.metadata"] = described
        index.publish(
            "demo",
            index.entry(
                GOOD_NAME, GOOD, **{"core-metadata": {"sha256": hashlib.sha256(described).hexdigest()}}
            ),
            index.entry(CHANGED_NAME, CHANGED),
            index.entry("demo-2.0.tar.gz", sdist("demo", "2.0")),
        )
        index.publish("dep", index.entry(DEP_NAME, DEP))
        yield made


@pytest.fixture(params=["direct", "proxy"])
def files(request):
    return request.param


def project(made, *requirements) -> Path:
    root = made.root / "app"
    root.mkdir()
    listed = ", ".join(f'"{item}"' for item in requirements)
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{listed}]\n',
        encoding="utf-8",
    )
    return root


def test_pip_and_uv_install_what_is_accepted_and_fall_back_to_it(world, files):
    with proxied(world, "--files", files) as said:
        for install, target in ((world.pip, "pip"), (world.uv_pip, "uv")):
            done = install("demo")
            assert done.returncode == 0, done.stderr
            assert world.installed(target, "demo") == "VERSION = '1.0'\n"
            assert world.installed(target, "dep") == "VERSION = '3.0'\n"
    assert f"demo: 1 offered, 2 hidden: {CHANGED_NAME} divergent" in "".join(said)
    assert world.index.asked[f"/files/{CHANGED_NAME}"] == world.index.asked["/files/demo-2.0.tar.gz"] == 0
    assert world.index.asked[f"/files/{GOOD_NAME}.metadata"]


def test_what_is_refused_is_not_installed_and_the_message_says_which_versions_there_are(world):
    with proxied(world):
        pip, uv = world.pip("demo==2.0"), world.uv_pip("demo==2.0")
        _, _, why = fetched(f"{world.url}explain/demo")
    assert pip.returncode == 1
    assert "demo==2.0 (from versions: 1.0)" in pip.stderr
    assert uv.returncode == 1
    assert "no version of demo==2.0" in uv.stderr
    assert not (world.root / "pip" / "demo.py").exists()
    assert not (world.root / "uv" / "demo.py").exists()
    assert "dissents: alpha (Operator A): differs: demo/__init__.py" in why


def test_the_page_in_html_alone(world):
    world.index.publish(
        "demo",
        *json.loads(world.index.pages["demo", "application/vnd.pypi.simple.v1+json"])["files"],
        html=True,
    )
    world.index.publish("dep", world.index.entry(DEP_NAME, DEP), html=True)
    for name in ("demo", "dep"):
        del world.index.pages[name, "application/vnd.pypi.simple.v1+json"]
    with proxied(world):
        assert world.pip("demo").returncode == 0
        assert world.uv_pip("demo").returncode == 0
        assert world.pip("demo==2.0").returncode == 1
    assert world.installed("pip", "demo") == world.installed("uv", "demo") == "VERSION = '1.0'\n"


def test_a_second_hash_or_a_fragment_does_not_let_another_file_in(world):
    """pip takes a file if one of the hashes that are named for it fits."""
    evil = wheel("demo", "1.0", content=b"VERSION = 'evil'\n")
    entry = world.index.entry(GOOD_NAME, GOOD)
    entry["hashes"]["sha512"] = hashlib.sha512(evil).hexdigest()
    entry["url"] += f"#sha256={hashlib.sha256(evil).hexdigest()}"
    world.index.files[GOOD_NAME] = evil
    world.index.publish("demo", entry)
    bare = world.pip("demo", "--no-deps", "--index-url", world.index.simple, target="bare")
    assert bare.returncode == 0, "the index alone gets its file in"
    assert world.installed("bare", "demo") == "VERSION = 'evil'\n"
    with proxied(world):
        for install, target in ((world.pip, "pip"), (world.uv_pip, "uv")):
            assert install("demo", "--no-deps").returncode
            assert not (world.root / target / "demo.py").exists()


def test_a_changed_verdict_is_seen_at_once_where_nothing_is_kept(world, files):
    with proxied(world, "--files", files, "--max-age", "0"):
        root = project(world, "demo")
        assert world.uv("lock", cwd=root).returncode == 0
        assert world.pip("demo", target="before").returncode == 0
        world.see(GOOD_NAME, GOOD, "mismatch", node=BETA, again="2")
        for install in (world.pip, world.uv_pip):
            refused = install("demo", target="after")
            assert refused.returncode == 1, refused.stdout
        assert not (world.root / "after" / "demo.py").exists()
        # A lock leads straight to files: with addresses of the index, nobody asks the proxy again.
        synced = world.uv("sync", "--frozen", "--no-cache", cwd=root)
        assert (synced.returncode == 0) == (files == "direct")
        if files == "proxy":
            assert "Server message: Forbidden, demo-1.0-py3-none-any.whl is hidden: divergent" in words(
                synced
            )


def called_public(world, *addresses) -> None:
    """What the index of a lock made through the proxy needs in the policy, to be asked about."""
    text = world.policy.read_text("utf-8")
    world.policy.write_text(f"public-indexes = {json.dumps(addresses)}\n{text}", "utf-8")


def test_locks_made_through_the_proxy_pass_the_check_and_fail_it_once_the_verdict_changes(world, files):
    with proxied(world, "--files", files):
        (world.root / "in.txt").write_text("demo\n", encoding="utf-8")
        done = world.uv(
            "pip",
            "compile",
            "--no-config",
            "--generate-hashes",
            "in.txt",
            "-o",
            world.root / "requirements.txt",
        )
        assert done.returncode == 0, done.stderr
        root = project(world, "demo")
        assert world.uv("lock", cwd=root).returncode == 0
        exported = world.uv(
            "export", "--frozen", "--no-emit-project", "-o", world.root / "exported.txt", cwd=root
        )
        assert exported.returncode == 0, exported.stderr
        proxy = world.url
    locks = [world.root / "requirements.txt", world.root / "exported.txt", root / "uv.lock"]
    assert all("2.0" not in lock.read_text("utf-8") for lock in locks)
    assert world.wheelwitness("check", root / "uv.lock").returncode == 4, "of an index that is not public"
    called_public(world, proxy, world.index.url)
    said = [(item.returncode, item.stdout) for item in (world.wheelwitness("check", lock) for lock in locks)]
    assert [code for code, _ in said] == [0, 0, 0], said
    assert all("2 reproduced" in text.splitlines()[0] for _, text in said)
    world.see(GOOD_NAME, GOOD, "mismatch", node=ALPHA, again="2")
    assert [world.wheelwitness("check", lock).returncode for lock in locks] == [1, 1, 1]


def test_nothing_is_installed_while_the_index_or_the_witnesses_cannot_be_reached(world):
    with proxied(world, "--max-age", "0"):
        for site in ("alpha-site", "beta-site"):
            (world.root / site).rename(world.root / f"{site}-away")
        for install in (world.pip, world.uv_pip):
            assert install("demo").returncode
        uv = world.uv_pip("demo")
        problem = (
            "Server message: Service Unavailable, demo: witnesses that the policy needs could not be reached"
        )
        assert f"{problem}: alpha, beta" in words(uv)
        for site in ("alpha-site", "beta-site"):
            (world.root / f"{site}-away").rename(world.root / site)
        assert world.pip("demo", target="again").returncode == 0
        world.index.broken = 500
        assert fetched(f"{world.url}simple/demo/")[0] == 502
    assert not (world.root / "pip" / "demo.py").exists()
    assert not (world.root / "uv" / "demo.py").exists()


def over_http(made) -> None:
    """From now on the policy has its witnesses at the index's own address, which serves nothing of theirs."""
    text = made.policy.read_text("utf-8")
    for node in ("alpha", "beta"):
        text = text.replace(f'"{node}-site"', f'"{made.index.url}{node}/"')
        shutil.rmtree(made.root / f"{node}-site")
    made.policy.write_text(text, "utf-8")


def test_with_a_snapshot_no_witness_is_asked(world):
    assert world.wheelwitness("snapshot", world.root / "witnesses").returncode == 0
    over_http(world)
    with proxied(world, "--snapshot", str(world.root / "witnesses")) as said:
        for install, target in ((world.pip, "pip"), (world.uv_pip, "uv")):
            assert install("demo").returncode == 0
            assert world.installed(target, "demo") == "VERSION = '1.0'\n"
        assert world.pip("demo==2.0").returncode == 1
    assert f"asking the snapshot {world.root / 'witnesses'}, and no witness" in said[1]
    assert "public-indexes" not in "".join(said)
    assert {path.split("/")[1] for path in world.index.asked} == {"simple", "files"}


@pytest.mark.parametrize(
    ("lookup", "asked", "status"), [("exact", "observations", 200), ("prefix", "lookup", 503)]
)
def test_what_witnesses_learn_is_chosen_as_for_a_check(world, lookup, asked, status):
    over_http(world)
    with proxied(world, "--lookup", lookup) as said:
        assert fetched(f"{world.simple}demo/")[0] == status
    learnt = {path.split("/")[2] for path in world.index.asked if path.startswith(("/alpha/", "/beta/"))}
    assert learnt - {"keys.jsonl"} == {asked}
    assert f"{world.index.simple} is neither PyPI nor among public-indexes of the policy" in said[1]
    called_public(world, world.index.url)
    with proxied(world) as said:
        pass
    assert "public-indexes" not in "".join(said)


def test_sdists_are_offered_only_to_those_who_ask_for_it(world):
    alone = world.index.entry("alone-1.0.tar.gz", sdist("alone", "1.0"))
    world.index.publish("alone", alone)
    with proxied(world):
        assert "from versions: none" in world.pip("alone").stderr
    with proxied(world, "--sdists", "offer"):
        assert "built" in world.pip("alone").stderr
    with world.policy.open("a", encoding="utf-8") as file:
        file.write('\n[[exempt]]\npackage = "alone"\nreason = "ours"\nexpires = 2999-01-01\n')
    with proxied(world, "--sdists", "exempt"):
        assert "built" in world.pip("alone").stderr
        assert "built" not in world.pip("demo==2.0").stderr


def test_what_it_was_given_for_the_index_is_told_nobody_and_huge_requests_are_refused(world):
    index = world.index.simple.replace("://", "://user:secret@")
    with proxied(world, "--index", index) as said:
        assert world.pip("demo").returncode == 0
        with socket.create_connection(("127.0.0.1", urlsplit(world.url).port), timeout=60) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 65536)
            assert client.recv(100).startswith(b"HTTP/1.1 400 ")
    assert f"in front of {world.index.simple}" in said[0]
    assert "secret" not in "".join(said)


def test_report_only_offers_everything_and_tells(world):
    with proxied(world, "--report-only", "--audit", str(world.root / "audit.jsonl")):
        assert world.pip("demo", "--only-binary", ":all:").returncode == 0
    assert world.installed("pip", "demo") == "VERSION = '2.0'\n"
    lines = [json.loads(line) for line in (world.root / "audit.jsonl").read_text("utf-8").splitlines()]
    offered = next(line for line in lines if line["kind"] == "page" and line["project"] == "demo")["offered"]
    assert {(item["filename"], item["outcome"]) for item in offered} == {
        (GOOD_NAME, "reproduced"),
        (CHANGED_NAME, "divergent"),
        ("demo-2.0.tar.gz", "not-applicable"),
    }


@pytest.mark.skipif(not POETRY, reason="no poetry: name one with TEST_POETRY (pip install poetry, in a venv)")
def test_poetry_locks_what_is_accepted(world, files):
    root = project(world, "demo")
    with proxied(world, "--files", files):
        with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(
                "\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\n"
                f'name = "proxied"\nurl = "{world.simple}"\npriority = "primary"\n'
            )
        quiet = {
            "POETRY_VIRTUALENVS_PATH": str(world.root / "poetry"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        done = world.run(POETRY, "lock", "--no-interaction", cwd=root, **quiet)
        assert done.returncode == 0, done.stdout + done.stderr
        lock = (root / "poetry.lock").read_text("utf-8")
        assert GOOD_NAME in lock
        assert "2.0" not in lock.split("[metadata]")[0]
        called_public(world, world.url, world.index.url)
        checked = world.wheelwitness("check", root / "poetry.lock")
        assert (checked.returncode, "2 reproduced" in checked.stdout) == (0, True), checked.stdout
        installed = world.run(POETRY, "sync", "--no-interaction", cwd=root, **quiet)
        assert installed.returncode == 0, installed.stdout + installed.stderr
        refused = world.run(POETRY, "add", "demo==2.0", "--no-interaction", cwd=root, **quiet)
        assert refused.returncode
        assert "Could not find a matching version of package demo" in refused.stderr
