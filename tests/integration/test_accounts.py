"""The parts of a node under accounts of their own, with the modes of docs/operations/systemd: who reads what."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.setup import make
from tests.package_index import serving
from tests.waiting import wait_until

CHECKOUT = Path(__file__).parents[2]
SYSTEMD = CHECKOUT / "docs" / "operations" / "systemd"
IDS = {"root": 0, "wheelwitness": 64100, "wheelwitness-scheduler": 64101, "wheelwitness-keys": 64102,
       "wheelwitness-metrics": 64103, "wheelwitness-feed": 64104}  # fmt: skip
NODE = "/var/lib/wheelwitness/node"
USERS = [name for name in IDS if name not in ("root", "wheelwitness")]

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be others"
)


def as_user(user, *argv):
    number = str(IDS[user])
    groups = f"--groups={IDS['wheelwitness']}"
    return ["setpriv", f"--reuid={number}", f"--regid={number}", groups, *map(str, argv)]


def apply(line, root):
    """What systemd-tmpfiles would do for a line below the node's directory."""
    kind, path, mode, user, group = line.split()
    place = root / Path(path).relative_to(NODE)
    if kind == "d":
        place.mkdir(exist_ok=True)
    elif kind == "f":
        place.touch()
    else:
        assert kind == "z"
    for found in place.parent.glob(place.name) if place != root else [root]:
        os.chown(found, IDS[user], IDS[group])
        found.chmod(int(mode, 8))


class Place:
    def __init__(self, root, index):
        self.node = NodeDirectory(root / "node")
        config = NodeConfig(version=1, name="node-a.example", operator="A", index=index, method="static",
                            cache=str(root / "cache"))  # fmt: skip
        make(self.node, config)
        for line in (SYSTEMD / "wheelwitness.tmpfiles.conf").read_text().splitlines():
            if line[:1] in "dfz" and line.split()[1].startswith(NODE):
                apply(line, self.node.root)
        (root / "cache").mkdir()
        os.chown(root / "cache", IDS["wheelwitness-scheduler"], IDS["wheelwitness-scheduler"])
        self.python = root / "venv" / "bin" / "python"

    def command(self, user, *arguments):
        program = "from rebuilders.cli.main import main; main()"
        return as_user(user, self.python, "-P", "-c", program, *arguments)

    @contextmanager
    def part(self, name, user, log):
        argv = self.command(user, "run", self.node.root, "--part", name, "--log", "json")
        with (
            log.open("w") as out,
            subprocess.Popen(
                argv, stdout=out, stderr=out, cwd="/", umask=0o027, env={"PATH": os.defpath, "HOME": "/"}
            ) as process,  # fmt: skip
        ):
            try:
                yield process
            finally:
                process.terminate()

    def may(self, user, *argv):
        return subprocess.run(as_user(user, *argv), capture_output=True, check=False, cwd="/").returncode == 0


@pytest.fixture
def place():
    root = Path(tempfile.mkdtemp(prefix="accounts-"))
    root.chmod(0o755)
    try:
        base = f"/usr/bin/python3.{sys.version_info.minor}"
        interpreter = next(
            (it for it in (sys.executable, base) if subprocess.run(
                as_user("wheelwitness-keys", "env", it, "-c", ""), capture_output=True, check=False, cwd="/"
            ).returncode == 0), None)  # fmt: skip
        if interpreter is None or not os.access(base, os.X_OK):
            pytest.skip("no interpreter that other accounts can start")
        subprocess.run([interpreter, "-m", "venv", "--without-pip", root / "venv"], check=True)
        (library,) = (root / "venv" / "lib").glob("python*/site-packages")
        (library / "here.pth").write_text(f"{CHECKOUT}\n{sysconfig.get_path('purelib')}\n")
        with serving() as index:
            from tests.integration.test_node import renamed

            index.files["demo"] = renamed("demo")
            yield Place(root, f"{index.url}simple/")
    finally:
        shutil.rmtree(root)


@needs_root
def test_parts_under_accounts_of_their_own(place, tmp_path):
    node = place.node
    logs = {name: tmp_path / name for name in ("scheduler", "signer")}
    done = subprocess.run(place.command("wheelwitness-scheduler", "add", node.root, "demo==1.0"),
                          capture_output=True, text=True, check=False, cwd="/")  # fmt: skip
    assert done.returncode == 0, done.stderr
    with ExitStack() as stack:
        stack.enter_context(place.part("scheduler", "wheelwitness-scheduler", logs["scheduler"]))
        stack.enter_context(place.part("signer", "wheelwitness-keys", logs["signer"]))
        wait_until(lambda: (node.site / "checkpoint").exists() and not list(node.outbox.glob("*.json")))
    for log in logs.values():
        assert "Traceback" not in log.read_text()
        assert "ermission" not in log.read_text()
    status = subprocess.run(place.command("wheelwitness-metrics", "status", node.root), capture_output=True,
                            text=True, check=False, cwd="/")  # fmt: skip
    assert "log of 1" in status.stdout, status.stderr
    assert "1 done" in status.stdout

    for user in ("wheelwitness-scheduler", "wheelwitness-metrics"):
        for key in node.keys.glob("*.pem"):
            assert not place.may(user, "cat", key)
        assert not place.may(user, "ls", node.keys)
        assert not place.may(user, "cp", "/dev/null", node.site / "checkpoint")
        assert not place.may(user, "touch", node.site / "more")
        for path in node.state.iterdir():
            if path.stat().st_uid == IDS["wheelwitness-keys"]:
                assert not place.may(user, "mv", path, f"{path}.gone")
                assert path.is_dir() or not place.may(user, "cp", "/dev/null", path)
    assert place.may("wheelwitness-keys", "cat", node.keys / "log.pem")
    assert not place.may("wheelwitness-keys", "mv", node.state / "ledger.sqlite", node.state / "gone")
    for user in USERS:
        assert not place.may(user, "cp", "/dev/null", node.config_path)
        assert place.may(user, "cat", node.config_path)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("unit", sorted(path.name for path in SYSTEMD.glob("wheelwitness*.service")))
def test_units(unit, tmp_path):
    for path in SYSTEMD.glob("wheelwitness*.*e*"):
        text = path.read_text().replace("/opt/wheelwitness/bin/rebuilder", "/bin/true")
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / unit], capture_output=True, text=True, check=False
    )
    ours = [
        line for line in done.stderr.splitlines() if str(tmp_path) in line and "DelegateSubgroup" not in line
    ]
    assert ours == []


def test_no_unit_but_those_with_keys_reads_them():
    for unit in ("scheduler", "metrics"):
        text = (SYSTEMD / f"wheelwitness-{unit}.service").read_text()
        assert f"InaccessiblePaths={NODE}/keys\n" in text
        assert f"User=wheelwitness-{unit}\n" in text
