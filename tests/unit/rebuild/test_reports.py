"""A report as JSON, as an observation and in words: each way in which a rebuild can end."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rebuilders.errors import NotBuilt
from rebuilders.observe import observe
from rebuilders.outbox import Outbox
from rebuilders.result import EXIT, MAX_LISTED, incomplete_json, result_of, to_json
from rebuilders.text import rendered, rendered_plan
from tests.schemas import validate
from tests.sdists import PYPROJECT, sdist_of
from tests.wheels import FILES, WHEEL, File, recorded, wheel_of, with_file, zip_of
from tests.workbench import Bench, FakeResolver, built, failed, target, unresolved
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Incomplete
from witness.names import TargetName
from witness.statement import encode, parse

NAME = TargetName.parse("demo==1.0")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HONEST = wheel_of()
MOVED = zip_of(recorded(with_file(3, content=WHEEL.replace(b"75.0.0", b"75.0.1\x1b]0;"))))
FLAWED = zip_of((*recorded(FILES), *(File(f"demo/{n}\u202e.py", b"x", flags=0x800) for n in range(60))))
EVIL2 = File("demo/more.py", b"x")
EVIL = File("demo/\x1b]0;title\x07\u202e.py", b"x", flags=0x800)


def absent():
    raise NotBuilt("none", result="not-attempted", phase="locate", cause="no-such-project")


REPORTS = {
    "bitwise": lambda: Bench([built(HONEST)]).rebuild(),
    "archive": lambda: Bench([built(zip_of(with_file(0, time=99)))]).rebuild(),
    "metadata": lambda: Bench([built(MOVED)], versions=("3.13.1",)).rebuild(),
    "mismatch": lambda: Bench([built(wheel_of(EVIL))], versions=("3.13.1",)).rebuild(),
    "nearest": lambda: Bench(
        [built(wheel_of(EVIL, EVIL2)), built(wheel_of(EVIL))], versions=("3.13.1", "3.12.2")
    ).rebuild(),
    "many differences": lambda: Bench(
        [built(wheel_of(*(File(f"demo/{n}{'x' * 280}", b"x") for n in range(300))))], versions=("3.13.1",)
    ).rebuild(),
    "another name": lambda: Bench(
        [built(HONEST, "demo-1.0-py2-none-any.whl")], versions=("3.13.1",)
    ).rebuild(),
    "findings": lambda: Bench([built(FLAWED)], versions=("3.13.1",)).rebuild(lambda: target(FLAWED)),
    "build-failed": lambda: Bench([failed(b"boom \x1b[2J\n")] * 9, versions=("3.13.1",)).rebuild(),
    "unresolved": lambda: Bench([], FakeResolver([unresolved()])).rebuild(),
    "time": lambda: Bench([], seconds=-1).rebuild(),
    "no sdist": lambda: Bench([]).rebuild(lambda: target(sdist=False)),
    "native": lambda: Bench([]).rebuild(lambda: target(name="demo-1.0-cp311-cp311-win32.whl")),
    "malformed wheel": lambda: Bench([]).rebuild(lambda: target(b"\x1b")),
    "malformed sdist": lambda: Bench([]).rebuild(lambda: target(sdist=b"x")),
    "odd requirement": lambda: Bench([]).rebuild(
        lambda: target(sdist=sdist_of({"pyproject.toml": PYPROJECT.replace(b">=61", b" \\u001b[2J")}))
    ),
    "yanked": lambda: Bench([built(HONEST)]).rebuild(lambda: target(yanked=True, serial=7)),
    "no upload time": lambda: Bench([built(HONEST)]).rebuild(lambda: target(uploaded=None)),
    "nothing there": lambda: Bench([]).rebuild(absent),
}
KEYS = {
    "schema", "target", "source", "method", "result", "level", "archiveExact", "compressor", "rules", "differences",
    "differencesTotal", "findings", "findingsTotal",
    "recipe", "attempts", "failure", "backend", "uploaded", "cause", "explanation", "seconds", "static",
}  # fmt: skip


@pytest.fixture(params=REPORTS, scope="module")
def report(request):
    return REPORTS[request.param]()


def check_shape(value):
    """The keys of DESIGN section 7, no more and no fewer."""
    assert set(value) == KEYS
    validate(value)
    assert value["schema"] == "rebuild-result/1"
    assert set(value["target"]) == {"project", "version", "filename", "sha256"}
    assert value["source"] is None or set(value["source"]) == {"filename", "sha256"}
    assert value["recipe"] is None or set(value["recipe"]) == {
        "digest",
        "python",
        "requirements",
        "builtRequirements",
    }
    assert value["failure"] is None or {"phase", "cause"} <= set(value["failure"]) <= {
        "phase",
        "cause",
        "detail",
    }
    assert set(value["seconds"]) == {"total", "fetch", "resolve", "build", "compare"}
    assert all(set(item) == {"path", "kind", "class"} for item in value["differences"])
    assert all(set(item) == {"path", "kind"} for item in value["findings"])
    assert len(value["findings"]) <= value["findingsTotal"]
    assert value["static"] is None or set(value["static"]) == {
        "result", "members", "open", "openTotal", "foreign"}  # fmt: skip


def test_json(report):
    value = to_json(report, NAME)
    check_shape(value)
    assert value["result"] == result_of(report)
    assert value["result"] in EXIT
    assert (value["recipe"] is None) == (value["result"] not in ("match", "mismatch"))
    assert (value["failure"] is None) == (value["result"] in ("match", "mismatch"))
    assert value["failure"] is None or set(value["failure"]) == {"phase", "cause"}
    assert (value["level"] is None) == (value["result"] != "match")
    assert len(value["differences"]) == min(value["differencesTotal"], MAX_LISTED)
    assert (value["target"]["sha256"] is None) == (report.target is None)
    assert value["attempts"] == report.tries


def test_json_of_what_could_not_be_completed():
    value = incomplete_json(NAME, FetchFailed("down"))
    check_shape(value)
    assert (value["result"], value["failure"]["cause"]) == ("not-attempted", "incomplete")


def observed(report):
    return observe(report, builder="node", isolation="scripted", started=NOW, finished=NOW, previous=3)


def test_observations(report, tmp_path):
    if report.target is None:
        with pytest.raises(Incomplete):
            observed(report)
        return
    statement = observed(report)
    data = encode(statement)
    found = parse(data).observation
    assert (found.result, found.method, found.previous) == (result_of(report), "rebuild", 3)
    assert found.published.size == len(report.target.data)
    assert (found.isolation is None) == (report.tries == 0)
    assert parse(data).sha256 == report.target.sha256
    outbox = Outbox(tmp_path)
    assert (outbox.put(data), outbox.waiting()) == (sha256_hex(data), 1)
    assert (tmp_path / f"{sha256_hex(data)}.json").read_bytes() == data


def test_what_is_told_of_a_failure():
    """The message of a build, but not of what may name the node's own files and addresses."""
    told = observed(REPORTS["build-failed"]()).observation.failure
    assert "boom \\x1b[2J" in told.detail
    assert observed(REPORTS["unresolved"]()).observation.failure.detail == ""
    assert observed(REPORTS["malformed sdist"]()).observation.failure.detail == ""


def test_a_name_of_the_greatest_length_can_be_observed():
    name = f"{'d' * 200}-1.0-py3-none-{'a' * 30}.any.whl"
    report = Bench([built(HONEST)]).rebuild()
    best = replace(report.best, built=replace(report.best.built, filename=name))
    report = replace(report, target=replace(report.target, name=target(name=name).name), best=best)
    statement = observed(report)
    assert parse(encode(statement)) == statement
    assert len(statement.observation.purl) > 300


def test_words(report):
    text = rendered(report, NAME)
    assert all(line.isprintable() for line in text.split("\n"))
    assert result_of(report) in text.split("\n")[0]
    if report.plan is not None:
        shown = rendered_plan(report.plan, report.target.name.filename)
        assert all(line.isprintable() for line in shown.split("\n"))


def test_words_for_each_kind_of_match():
    assert "bitwise: the same file" in rendered(REPORTS["bitwise"](), NAME)
    assert "the published bytes follow from them" in rendered(REPORTS["archive"](), NAME)
    metadata = rendered(REPORTS["metadata"](), NAME)
    assert "match (metadata: equal by named rules)" in metadata
    assert "generator@1        demo-1.0.dist-info/WHEEL: Generator: setuptools (75.0.0) / " in metadata
    assert "\n  nearest once built with Python 3.12 (" in rendered(REPORTS["nearest"](), NAME)
    assert "\n    Python 3.12: another interpreter" in rendered(REPORTS["nearest"](), NAME)
    assert ": mismatch (1 difference)\n" in rendered(REPORTS["another name"](), NAME)
    assert "\n  filename           demo-1.0-py2-none-any.whl: other-filename: " in rendered(
        REPORTS["another name"](), NAME
    )
    findings = rendered(REPORTS["findings"](), NAME)
    assert "match (bitwise: the same file)" in findings
    assert "\n  published by itself: unsafe-name        demo/0\\u202e.py\n" in findings
    assert "\n  … and 100 more such findings\n" in findings
    assert "yanked" in rendered(REPORTS["yanked"](), NAME)
    assert "\n  … and 280 more\n" in rendered(REPORTS["many differences"](), NAME)
