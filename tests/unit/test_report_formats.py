"""The report in every format: right by its schema, stable, and with nothing but text where strangers wrote."""

import json
import re
from dataclasses import replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import ValidationError
from markdown_it import MarkdownIt
from sarif_pydantic import Sarif

from tests.integration.trusted_nodes import NOW, WHEEL
from tests.markup import Elements
from tests.reports import ALL, HOSTILE_REPORTS, ROOT, row
from tests.schemas import validate
from witness.outcome import OUTCOMES
from witness.report import cyclonedx, markdown, sarif, text
from witness.report import json as json_report
from witness.report.guidance import GUIDANCE
from witness.report.model import Report

ELEMENTS = {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary", "ul", "li"}
MARKUP = "|".join(("evil", "owned", "heading"))


def as_sarif(value, **options):
    return json.loads(sarif.render(value, root=ROOT, exit_code=options.get("exit_code", 1)))


def results(value):
    (run,) = as_sarif(value)["runs"]
    return run["results"]


@pytest.mark.parametrize("value", [ALL, Report(()), *HOSTILE_REPORTS])
def test_json_is_as_its_schema_says(value):
    validate(json.loads(json_report.render(value)))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "check/2"},
        {"counts": {"fine": 1}},
        {"notes": [1]},
        {"gone": "x"},
        {"artifacts": [{}]},
        {"new": 1},
    ],
)
def test_the_schema_refuses_what_is_not_so(change):
    value = json.loads(json_report.render(ALL))
    with pytest.raises((ValidationError, KeyError)):
        validate(value | change)


@pytest.mark.parametrize("value", [ALL, Report(()), *HOSTILE_REPORTS])
def test_cyclonedx_is_as_its_schema_says(value):
    rendered = cyclonedx.render(value, now=NOW)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(rendered) is None
    assert rendered == cyclonedx.render(value, now=NOW)
    assert len(json.loads(rendered)["components"]) == len(value.rows)


def test_a_component_says_which_file_and_what_came_of_it():
    value = Report((replace(row("reproduced"), filename=WHEEL),))
    (component,) = json.loads(cyclonedx.render(value, now=NOW))["components"]
    assert component["purl"] == f"pkg:pypi/demo@1.0?file_name={WHEEL}"
    assert component["hashes"] == [{"alg": "SHA-256", "content": f"{1:064x}"}]
    told = [(item["name"], item["value"]) for item in component["properties"]]
    assert ("wheelwitness:verdict", "reproduced") in told
    assert ("wheelwitness:level", "bitwise") in told
    assert ("wheelwitness:agreeing", "demo (demo), log index 0") in told


@pytest.mark.parametrize("value", [ALL, Report(()), *HOSTILE_REPORTS])
def test_sarif_has_what_code_scanning_asks_for(value):
    log = as_sarif(value)
    Sarif.model_validate(log)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert 0 < float(rule["properties"]["security-severity"]) <= 10
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note")
        (location,) = result["locations"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert re.fullmatch(r"[\w%.~/:-]+", location["physicalLocation"]["artifactLocation"]["uri"], re.ASCII)
        assert re.fullmatch(r"[0-9a-f]{16}:1", result["partialFingerprints"]["primaryLocationLineHash"])


def test_sarif_has_results_for_what_is_not_fine_alone():
    outcomes = [name for name in OUTCOMES if GUIDANCE[name].weight != "fine"]
    assert [item["ruleId"] for item in results(ALL)] == [*outcomes, "error"]
    assert [item["ruleId"] for item in results(Report((row("reproduced", bad=True),)))] == ["bad-signature"]
    assert [item["ruleId"] for item in results(Report((row("stale", bad=True),)))] == [
        "bad-signature",
        "stale",
    ]


@pytest.mark.parametrize(
    ("file", "line", "uri", "start"),
    [
        ("requirements.txt", 7, "requirements.txt", 7),
        ("./sub/../a b#c.txt", 1, "a%20b%23c.txt", 1),
        ("/project/sub/r.txt", 2, "sub/r.txt", 2),
        ("/elsewhere/r.txt", 2, "file:///elsewhere/r.txt", 2),
        ("../r.txt", 2, "file:///r.txt", 2),
        ("dist/demo.whl", None, "dist/demo.whl", 1),
        ("caf\udce9.txt", 1, "caf%E9.txt", 1),
    ],
)
def test_locations(file, line, uri, start):
    (result,) = results(Report((row(file=file, line=line),)))
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (uri, start)


def test_fingerprints_stay_while_lines_move_and_differ_for_other_files_and_outcomes():
    def fingerprint(entry):
        (result,) = results(Report((entry,)))
        return result["partialFingerprints"]["wheelwitness/v1"]

    first = row()
    assert fingerprint(first) == fingerprint(row(line=70, file="other.txt"))
    others = [row(number=2), row("disputed"), replace(first, project="other")]
    assert len({fingerprint(item) for item in [first, *others]}) == 4


def test_a_run_that_could_not_complete_is_no_success():
    for code in range(6):
        (invocation,) = as_sarif(ALL, exit_code=code)["runs"][0]["invocations"]
        assert invocation == {"executionSuccessful": code not in (2, 5), "exitCode": code}


def test_known_entries_are_unchanged_for_code_scanning():
    rows = (row(), replace(row(number=2), known=True))
    assert [item["baselineState"] for item in results(Report(rows, gone=()))] == ["new", "unchanged"]
    assert "baselineState" not in results(Report(rows))[0]


@pytest.mark.parametrize("value", HOSTILE_REPORTS)
def test_messages_of_sarif_have_no_links_and_no_placeholders(value):
    for result in results(value):
        told = result["message"]["text"]
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]]", told)
        assert not re.search(r"(?<!\{)\{(?:\{\{)*(?!\{)", told)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", told)


def html_of(value):
    reader = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
    return Elements(reader.render(markdown.render(value)))


@pytest.mark.parametrize("value", [ALL, Report(()), *HOSTILE_REPORTS])
def test_markdown_has_only_elements_of_ours(value):
    page = html_of(value)
    assert page.tags <= ELEMENTS
    assert all(attributes == {} for _, attributes in page.found)
    assert len([tag for tag, _ in page.found if tag == "tr"]) in (
        0,
        1 + sum(row.interesting for row in value.rows),
    )
    assert len([tag for tag, _ in page.found if tag == "th"]) in (0, 4)


@pytest.mark.parametrize("value", HOSTILE_REPORTS)
def test_whatever_strangers_wrote_in_markdown_stands_in_code(value):
    told = re.sub(r"<code>[^<]*</code>", "", markdown.render(value))
    assert not re.search(MARKUP, told)
    for inner in re.findall(r"<code>([^<]*)</code>", markdown.render(value)):
        assert re.fullmatch(r"(?:[\w .\-]|&#\d+;)*", inner)


def test_a_summary_page_says_the_same_as_the_text():
    page = html_of(ALL)
    assert text.count_line(ALL) in page.text
    assert "ends in 10 days" in page.text
    assert "a note" in page.text
    assert page.text.startswith("❌")
    assert html_of(Report((row("reproduced"),))).text.startswith("✅")
    assert html_of(Report((replace(row(), known=True),))).text.startswith("✅")


def test_a_summary_page_is_bounded():
    many = Report(tuple(row(number=number) for number in range(300)))
    assert len(markdown.render(many).encode()) < 1024 * 1024
    assert "\nand 100 more\n" in markdown.render(many)


@pytest.mark.parametrize("value", HOSTILE_REPORTS)
@pytest.mark.parametrize("verbose", [False, True])
def test_text_has_nothing_that_a_terminal_acts_on(value, verbose):
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\u200b]", text.render(value, verbose=verbose)
    )


@pytest.mark.parametrize("value", HOSTILE_REPORTS)
def test_json_of_each_kind_has_no_controls(value):
    for rendered in (
        json_report.render(value),
        cyclonedx.render(value, now=NOW),
        sarif.render(value, root=ROOT, exit_code=1),
    ):
        rendered.encode("utf-8")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\u200b]", rendered)
        told = json.dumps(json.loads(rendered), ensure_ascii=False)
        assert not re.search("[\x7f-\x9f\u2028\u202e\u200b]|\\\\u00[01]", told)
