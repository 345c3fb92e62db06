"""What the threat model promises and no other test holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rebuilders.index.interface import IndexFile
from rebuilders.index.simple import SimpleIndex
from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, stated, wheel
from witness.digest import sha256_hex
from witness.errors import FetchFailed
from witness.fetch import Fetched

PROGRAM = Path(sys.executable).parent / "wheelwitness"


def test_a_policy_in_the_project_is_never_looked_for(tmp_path):
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    (project / WHEEL).write_bytes(wheel())
    for node in (ALPHA, BETA):
        node.publish(project, [stated(node, sha256=sha256_hex(wheel()))])
    policy = "version = 1\nthreshold = 2\n" + ALPHA.toml("alpha-site") + BETA.toml("beta-site")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WHEELWITNESS_")}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}

    def check(*arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = [PROGRAM, "check", WHEEL, *arguments]
        return subprocess.run(argv, cwd=project, env=environment, capture_output=True, text=True, check=False)

    for place in (
        "policy.toml",
        "wheelwitness/policy.toml",
        ".config/wheelwitness/policy.toml",
        "wheelwitness.toml",
    ):
        (project / place).parent.mkdir(parents=True, exist_ok=True)
        (project / place).write_text(policy, "utf-8")
    refused = check()
    assert refused.returncode == 2
    assert "no policy" in refused.stderr
    # The same policy, named by the user, can be used: it is not refused for what it says.
    assert check("--policy", "policy.toml").returncode != 2


class Lying:
    """A `Fetcher` whose server has other bytes."""

    def get(self, url: str, *, limit: int, accept: str = "*/*") -> Fetched:
        return Fetched(b"other bytes", {})


def test_bytes_that_are_not_those_that_the_index_lists_are_not_used():
    file = IndexFile(WHEEL, f"https://index.example/{WHEEL}", sha256_hex(b"the bytes"), size=9)
    with pytest.raises(FetchFailed, match="other bytes than the sha256"):
        SimpleIndex("https://index.example/simple/", Lying()).fetch(file)
