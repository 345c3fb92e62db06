"""`wheelwitness proxy` with what it cannot work with: one line and an exit code, before anything is served."""

import socket
import sys

import pytest
from typer.testing import CliRunner

from tests.integration.trusted_nodes import ALPHA
from witness.cli.main import app


@pytest.fixture
def run(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text("version = 1\nthreshold = 1\n" + ALPHA.toml("alpha-site"), "utf-8")

    def invoke(*arguments, **env):
        variables = {
            "WHEELWITNESS_POLICY": str(policy),
            "WHEELWITNESS_INDEX": "https://index.example/simple/",
            **env,
        }
        return CliRunner().invoke(app, ["proxy", *arguments], env=variables)

    return invoke


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--index", "ftp://index.example/"], "not the address of a package index"),
        (["--index", "https:///simple"], "not the address of a package index"),
        (["--index", "https://[x/simple"], "not the address of a package index"),
        (["--policy", "missing.toml"], "missing.toml does not exist"),
        (["--snapshot", "missing"], "missing/snapshot.json: No such file"),
        (["--lookup", "all"], "'all' is not one of"),
        (["--fail-on", "wrong"], "no such outcome: 'wrong'"),
        (["--sdists", "some"], "'some' is not one of"),
        (["--max-age", "-1"], "Invalid value for '--max-age'"),
    ],
)
def test_usage_errors(run, arguments, said):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize("missing", ["uvicorn", "starlette.applications", "prometheus_client"])
def test_without_the_extra_it_says_how_to_get_it(run, monkeypatch, missing):
    for name in [name for name in sys.modules if name.startswith(("witness.proxy.", "witness.answering"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    result = run()
    assert result.exit_code == 2
    assert "is not installed" in result.stderr
    assert "pip install 'wheelwitness[proxy]'" in result.stderr


def test_an_audit_log_that_cannot_be_written(run, tmp_path):
    result = run("--audit", str(tmp_path / "no" / "audit.jsonl"))
    assert result.exit_code == 5
    assert "the audit log cannot be written" in result.stderr


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_an_address_that_is_taken_and_one_that_is_its_own(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("--port", str(port)).exit_code == 5
    result = run("--port", str(port), "--index", f"http://user:secret@localhost:{port}/simple/")
    assert result.exit_code == 2
    assert f"http://localhost:{port}/simple/: the proxy would ask itself" in result.stderr
    assert "secret" not in result.output
