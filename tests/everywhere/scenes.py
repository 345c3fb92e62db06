"""What a user has and asks for, wherever he is: a home with nodes, a policy and wheels, and every command once."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.everywhere.reachable import CHECKOUT
from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, stated, wheel
from witness.digest import sha256_hex

GOOD = sha256_hex(wheel())
CHANGED = wheel(b"VERSION = 2\n")
BAD = sha256_hex(CHANGED)
BAD_NAME = "demo-2.0-py3-none-any.whl"
SEEN = datetime.now(UTC) - timedelta(days=1)
DRIVE = r"C:\nodes"  # a directory of this name, which looks like an address to who looks for a colon

COMMANDS = {
    "check": (["check", "requirements.txt", BAD_NAME, "--format", "json"], 1),
    "check text": (["check", "--verbose", "requirements.txt"], 0),
    "check offline": (["check", ".", "--bundle", "evidence.jsonl"], 1),
    "verify": (["verify", WHEEL, "--output", "report.txt"], 0),
    "show": (["show", BAD_NAME], 0),
    "show digest": (["show", f"sha256:{GOOD}"], 0),
    "log check": (["log", "check", "alpha"], 0),
    "log check elsewhere": (["log", "check", "beta", "--no-shards"], 0),
    "no policy": (["check", WHEEL, "--policy", "no such policy"], 2),
    "help": (["--help"], 0),
}


def make_home(root: Path) -> Path:
    """What a user has on any system: two nodes in directories, a policy, a requirements file and two wheels."""
    for node, name in ((ALPHA, "alpha"), (BETA, DRIVE)):
        directory = root / name
        directory.mkdir()
        good = stated(node, sha256=GOOD, finished=SEEN)
        node.publish(
            directory, [good, stated(node, "mismatch", sha256=BAD, filename=BAD_NAME, finished=SEEN)]
        )
    shards = sorted((root / "alpha").rglob("*.jsonl"))
    (root / "evidence.jsonl").write_bytes(b"".join(path.read_bytes() for path in shards))
    policy = "version = 1\nthreshold = 1\n" + ALPHA.toml("alpha/alpha-site") + BETA.toml("URL")
    policy = policy.replace('url = "URL"', f"url = '{DRIVE}/beta-site'")
    (root / "policy.toml").write_text(policy, encoding="utf-8")
    (root / "requirements.txt").write_text(f"demo==1.0 --hash=sha256:{GOOD}\n", encoding="utf-8")
    (root / WHEEL).write_bytes(wheel())
    (root / BAD_NAME).write_bytes(CHANGED)
    return root


def run(home: Path, start: list[str], *arguments: str, **env: str):
    """Runs a program at home, and does not decode what it wrote."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("WHEELWITNESS_", "XDG_"))
    }
    own = {
        "PYTHONPATH": str(CHECKOUT),
        "HOME": str(home / "home"),
        "LOCALAPPDATA": str(home / "local"),
        "WHEELWITNESS_POLICY": str(home / "policy.toml"),
        "WHEELWITNESS_DEBUG": "1",
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "100",
    }
    command = [*start, *arguments]
    return subprocess.run(command, cwd=home, capture_output=True, env={**kept, **own, **env}, check=False)


def run_several(home: Path, system: str, *calls: tuple[list[str], str], **env: str):
    """Runs the program several times in one process on `system`, and gives what `run` does for each."""
    start = [sys.executable, "-W", "error", "-m", "tests.everywhere.elsewhere", system, "several"]
    done = run(home, start, json.dumps(calls), **env)
    assert done.returncode == 0, done.stderr.decode()
    return [
        subprocess.CompletedProcess(arguments, code, bytes.fromhex(out), bytes.fromhex(err))
        for (arguments, _), (code, out, err) in zip(calls, json.loads(done.stdout), strict=True)
    ]


def every_command(home: Path, system: str) -> dict[str, tuple[int, str, str]]:
    """What each of `COMMANDS` says on `system`."""
    calls = [(arguments, "utf-8") for arguments, _ in COMMANDS.values()]
    return dict(zip(COMMANDS, map(said, run_several(home, system, *calls)), strict=True))


def said(done) -> tuple[int, str, str]:
    """What a program said, without times of day."""
    texts = (re.sub(r"\d\d:\d\d:\d\d", "T", text.decode()) for text in (done.stdout, done.stderr))
    return done.returncode, *texts
