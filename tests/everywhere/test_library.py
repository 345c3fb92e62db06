"""`from witness import check`: what the commands say, as values, without a word of its own."""

import asyncio
import importlib
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

import witness
from tests.everywhere.reachable import CHECKOUT
from tests.everywhere.scenes import BAD, BAD_NAME, GOOD, SEEN, WHEEL
from tests.integration.trusted_nodes import ALPHA
from witness import check, judge, load_policy, verify
from witness.cli.main import app
from witness.report import json as json_report

HOW_TO = CHECKOUT / "docs" / "how-to" / "use-from-python.md"
REFERENCE = CHECKOUT / "docs" / "reference" / "library.md"
NOW = datetime.now(UTC)
CASES = {
    "check": [["requirements.txt"], ["."], [BAD_NAME, WHEEL], ["requirements.txt", WHEEL]],
    "verify": [[WHEEL], [BAD_NAME], [WHEEL, BAD_NAME, WHEEL]],
}


@pytest.fixture(autouse=True)
def _at_home(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setenv("WHEELWITNESS_POLICY", str(home / "policy.toml"))
    monkeypatch.setenv(
        "XDG_STATE_HOME", str(home / "state")
    )  # the library reads no variable of the program's
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


def examples():
    """The blocks of Python in the how-to."""
    return re.findall(r"^```python\n(.*?)^```$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("bundles", [(), ("evidence.jsonl",)], ids=["online", "offline"])
@pytest.mark.parametrize(
    ("name", "inputs"), [(name, inputs) for name, cases in CASES.items() for inputs in cases]
)
def test_a_function_reports_what_the_command_does(name, inputs, bundles):
    report = getattr(witness, name)(*inputs, policy="policy.toml", bundles=bundles)
    options = [part for bundle in bundles for part in ("--bundle", bundle)]
    said = CliRunner().invoke(app, [name, *inputs, "--format", "json", *options])
    assert json.loads(json_report.render(report)) == json.loads(said.stdout)
    assert report.exit_code() == said.exit_code


def test_judge_gives_what_check_does():
    report = check(WHEEL, BAD_NAME, policy="policy.toml")
    files = [row.verdict.artifact for row in report.rows]
    assert judge(*files, policy="policy.toml") == [row.verdict for row in report.rows]
    assert [item.sha256 for item in files] == [GOOD, BAD]
    assert judge(policy="policy.toml") == []


def test_the_time_is_an_argument():
    later = SEEN + timedelta(days=500)
    assert check(WHEEL, policy="policy.toml", now=later).rows[0].outcome == "stale"
    with pytest.raises(witness.InputError, match="time zone"):
        check(WHEEL, policy="policy.toml", now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_what_was_seen_is_kept_where_one_says(home):
    check(WHEEL, policy=load_policy(home / "policy.toml"), state=home / "kept")
    assert len(list((home / "kept" / "logs").iterdir())) == 2


def test_progress_is_told():
    told = []
    check(WHEEL, BAD_NAME, policy="policy.toml", progress=lambda: told.append(1))
    assert len(told) == 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check(policy="policy.toml"), "nothing was named"),
        (lambda: verify(policy="policy.toml"), "no wheel"),
        (lambda: check("nothing.txt", policy="policy.toml"), "nothing.txt: no such file"),
        (lambda: check(WHEEL, policy="nowhere.toml"), "nowhere.toml does not exist"),
        (lambda: check(WHEEL, policy="requirements.txt"), "not valid TOML"),
        (lambda: check("a\0b.txt", policy="policy.toml"), "not a path"),
        (lambda: check("", policy="policy.toml"), "not a path"),
        (lambda: load_policy("a\0b"), "not a path"),
        (lambda: check(WHEEL, policy="policy.toml", bundles=["a\0b"]), "not a path"),
        (lambda: verify("no-wheel.txt", policy="policy.toml"), "no-wheel.txt"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_what_to_do(call, words):
    with pytest.raises(witness.InputError, match=re.escape(words)) as caught:
        call()
    assert isinstance(caught.value, witness.WheelwitnessError)


def test_nothing_is_printed_whatever_happens(home):
    """A process of its own: nothing may reach the descriptors either, not even by way of `logging`."""
    (home / "gone.toml").write_text(
        "version = 1\nthreshold = 1\n" + ALPHA.toml("http://127.0.0.1:9/"), encoding="utf-8"
    )
    code = (
        "from witness import check, InputError\n"
        "assert check('requirements.txt', policy='gone.toml').rows[0].outcome == 'error'\n"
        f"assert check({BAD_NAME!r}, policy='policy.toml').exit_code() == 1\n"
        "try:\n    check('nothing.txt', policy='policy.toml')\nexcept InputError:\n    pass\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_many_threads_and_one_memory(home):
    def call(number):
        return check(WHEEL, BAD_NAME, policy="policy.toml", state=home / "kept").exit_code()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(32))) == {1}
    assert check(WHEEL, policy="policy.toml", state=home / "kept").exit_code() == 0


def test_from_async_code():
    async def several():
        calls = (asyncio.to_thread(check, name, policy="policy.toml") for name in (WHEEL, BAD_NAME))
        return await asyncio.gather(*calls)

    assert [report.exit_code() for report in asyncio.run(several())] == [0, 1]


def test_the_table_of_names_is_that_of_the_types_and_of_the_reference():
    typed = (CHECKOUT / "witness" / "__init__.pyi").read_text(encoding="utf-8")
    pairs = {
        (name, module)
        for module, name, _ in re.findall(r"^from ([\w.]+) import (\w+) as (\w+)$", typed, re.MULTILINE)
    }
    assert {(name, module) for name, module in witness._WHERE.items()} == pairs
    assert set(witness.__all__) == {"__version__", *witness._WHERE} <= set(dir(witness))
    documented = set(re.findall(r"\b\w+\b", REFERENCE.read_text(encoding="utf-8")))
    assert set(witness._WHERE) <= documented


@pytest.mark.parametrize("name", witness._WHERE)
def test_every_name_is_there_and_is_the_one_thing(name):
    assert getattr(witness, name) is getattr(importlib.import_module(witness._WHERE[name]), name)


def test_no_other_name_is():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = witness.nothing


def test_to_import_it_loads_nothing():
    code = (
        "import sys, witness; print([n for n in sys.modules if n.startswith('witness.') or n == 'pydantic'])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


@pytest.mark.parametrize("number", range(len(examples())))
def test_the_examples_run(home, number):
    (home / "wheelhouse").mkdir()
    (home / "wheelhouse" / WHEEL).write_bytes((home / WHEEL).read_bytes())
    code = examples()[number]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
