"""`wheelwitness` with a policy that names an instance of OSS Rebuild: a node in a directory, a bucket beside it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.integration.trusted_nodes import ALPHA, WHEEL, stated, wheel
from tests.rebuild_service import Service
from tests.static_site import serving
from witness.cli.main import app
from witness.digest import sha256_hex

SHA = sha256_hex(wheel())
OTHER = sha256_hex(b"what was built")
SERVICE = Service()
SEEN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


class World:
    def __init__(self, root, url="bucket", *accept):
        self.root, self.bucket = root, root / "bucket"
        self.bucket.mkdir(exist_ok=True)
        ALPHA.publish(root, [stated(ALPHA, sha256=SHA, finished=SEEN)])
        (root / WHEEL).write_bytes(wheel())
        (root / "policy.toml").write_text(
            "version = 1\nthreshold = 2\n"
            + ALPHA.toml("alpha-site")
            + SERVICE.toml(url, *(accept or ("bitwise",))),
            encoding="utf-8",
        )

    def publish(self, **more):
        return SERVICE.publish(self.bucket, SHA, **({"finished": SEEN} | more))

    def run(self, *arguments):
        return CliRunner().invoke(app, [*arguments, "--policy", str(self.root / "policy.toml")])

    def check(self, *arguments):
        done = self.run("check", *(arguments or [str(self.root / WHEEL)]), "--format", "json")
        return done.exit_code, json.loads(done.stdout)["artifacts"][0]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_it_makes_the_quorum(world):
    world.publish()
    code, artifact = world.check()
    assert (code, artifact["verdict"], artifact["level"]) == (0, "reproduced", "bitwise")
    assert artifact["agreeing"] == ["alpha", "oss-rebuild"]
    assert [item["logIndex"] for item in artifact["evidence"]] == [0, None]


def test_nothing_published_says_nothing(world):
    code, artifact = world.check()
    assert (code, artifact["verdict"], artifact["silent"]) == (3, "insufficient", ["oss-rebuild"])
    assert "has published nothing about it" in artifact["evidence"][1]["reason"]


def test_stabilized_has_to_be_named(tmp_path):
    world = World(tmp_path)
    world.publish(rebuilt=OTHER)
    assert world.check()[0] == 3
    world = World(tmp_path, "bucket", "bitwise", "stabilized")
    code, artifact = world.check()
    assert (code, artifact["verdict"], artifact["level"]) == (0, "equivalent", None)


def test_what_somebody_else_signed_is_evidence_against(world):
    world.publish()
    path = Service(seed="somebody").publish(world.bucket, SHA)
    code, artifact = world.check()
    assert (code, artifact["verdict"]) == (1, "insufficient")
    assert "not signed by any of the 1 keys" in artifact["rejected"][0]["reason"]
    path.write_bytes(b"<html>")
    assert world.check()[0] == 1


def test_what_it_signed_and_we_cannot_read_is_not(world):
    world.publish(builder="https://elsewhere.example/")
    code, artifact = world.check()
    assert (code, artifact["verdict"]) == (3, "insufficient")
    assert "cannot be read: made by the builder" in artifact["rejected"][0]["reason"]


def test_a_hash_without_a_file_name_cannot_be_asked_about(world):
    world.publish()
    lines = world.root / "requirements.txt"
    lines.write_text(f"demo==1.0 --hash=sha256:{SHA}\n")
    code, artifact = world.check(str(lines))
    assert code == 3
    assert "by the name of a file" in artifact["evidence"][1]["reason"]


def test_with_bundles_nobody_else_is_asked(world):
    world.publish()
    shards = world.root / "evidence.jsonl"
    shards.write_bytes(b"".join(path.read_bytes() for path in (world.root / "alpha-site").rglob("*.jsonl")))
    code, artifact = world.check(str(world.root / WHEEL), "--bundle", str(shards))
    assert (code, artifact["agreeing"], artifact["silent"]) == (3, ["alpha"], ["oss-rebuild"])


def test_exempt_projects_are_not_asked_about(world):
    with (world.root / "policy.toml").open("a") as file:
        file.write('\n[[exempt]]\npackage = "demo"\nreason = "ours"\nexpires = 2999-01-01\n')
    SERVICE.publish(world.bucket, "0" * 64)  # which would not verify
    assert world.check()[0] == 0


def test_show(world):
    world.publish()
    shown = world.run("show", str(world.root / WHEEL))
    assert shown.exit_code == 0
    assert "oss-rebuild (Google), no log" in shown.stdout
    assert "rebuilt from git+https://git.example/demo@" in shown.stdout


def test_its_log_cannot_be_checked(world):
    done = world.run("log", "check", "oss-rebuild")
    assert done.exit_code == 2
    assert "not a witness of" in done.stderr


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_over_http(tmp_path):
    with serving(tmp_path / "bucket") as site:
        world = World(tmp_path, site.url)
        assert world.check()[0] == 3
        world.publish()
        assert world.check()[0] == 0
    assert set(site.asked) == {f"/pypi/demo/1.0/{WHEEL}/rebuild.intoto.jsonl"}
    assert World(tmp_path, site.url).check()[0] == 3
