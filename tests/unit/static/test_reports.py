"""A static check as a report, as JSON, as an observation and in words; and as the first step of a rebuild."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from rebuilders.checking import check_target
from rebuilders.errors import NotBuilt
from rebuilders.inputs import Source, Target
from rebuilders.observe import observe_static
from rebuilders.result import EXIT, static_result_of, static_to_json, to_json
from rebuilders.text import rendered, rendered_static
from tests.schemas import validate
from tests.static_pairs import FLIT, HONEST, SCRIPTS
from tests.wheels import FILENAME
from tests.workbench import Bench, built
from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.names import TargetName, WheelName
from witness.observation import Observation
from witness.statement import encode, parse

NAME = TargetName.parse("demo==1.0")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MADE = HONEST.wheel_with({"demo/\x1b[2J.py": b"1\n", "demo/_version.py": b"2\n"})
WRONG = HONEST.wheel_with({"demo/main.py": b"evil\n"}).sdist_with(
    {"pyproject.toml": FLIT + SCRIPTS, "setup.py": None}
)


def target(pair=HONEST, *, name=FILENAME, wheel=None, sdist=None):
    data, held = wheel or pair.wheel_bytes, sdist or pair.sdist_bytes
    source = None if sdist is False else Source("demo-1.0.tar.gz", held, sha256_hex(held))
    return Target(WheelName.parse(name), sha256_hex(data), data, source, NOW, serial=7)


def absent():
    raise NotBuilt("none", result="not-attempted", phase="locate", cause="no-such-project")


REPORTS = {
    "match": (lambda: check_target(target), "match", None),
    "mismatch": (lambda: check_target(lambda: target(WRONG)), "mismatch", None),
    "open": (lambda: check_target(lambda: target(MADE)), "not-attempted", "not-derivable"),
    "no sdist": (lambda: check_target(lambda: target(sdist=False)), "not-attempted", "no-sdist"),
    "native": (
        lambda: check_target(lambda: target(name="demo-1.0-cp311-cp311-win32.whl")),
        "not-attempted",
        "native-wheel",
    ),
    "malformed wheel": (
        lambda: check_target(lambda: target(wheel=b"\x1b")),
        "not-attempted",
        "malformed-wheel",
    ),
    "malformed sdist": (
        lambda: check_target(lambda: target(sdist=b"\x1b")),
        "not-attempted",
        "malformed-sdist",
    ),
    "nothing there": (lambda: check_target(absent), "not-attempted", "no-such-project"),
}


@pytest.fixture(params=REPORTS, scope="module")
def ended(request):
    make, result, cause = REPORTS[request.param]
    return make(), result, cause


def test_json(ended):
    report, result, cause = ended
    value = static_to_json(report, NAME)
    assert (value["schema"], value["method"], value["result"]) == ("rebuild-result/1", "static", result)
    assert set(value) == set(to_json(Bench([]).rebuild(absent), NAME))
    assert value["level"] == ("metadata" if result == "match" else None)
    assert (value["failure"] or {}).get("cause") == cause
    assert (value["recipe"], value["attempts"], value["archiveExact"]) == (None, 0, False)
    assert bool(value["rules"]) == (result == "match")
    assert bool(value["differencesTotal"]) == (result == "mismatch")
    assert result in EXIT
    validate(json.loads(json.dumps(value)))


def observed(report):
    return observe_static(report, builder="node", started=NOW, finished=NOW, previous=3)


def test_observations(ended):
    report, result, cause = ended
    if report.target is None:
        with pytest.raises(Incomplete):
            observed(report)
        return
    found = parse(encode(observed(report))).observation
    assert (found.method, found.result, found.previous) == ("static", result, 3)
    assert (found.recipe, found.environment, found.isolation, found.rebuilt) == (None, None, None, None)
    assert (found.attempt.count, found.attempt.outputs) == (0, ())
    assert (found.failure.cause if found.failure else None) == cause
    assert (found.published.size, found.published.index_serial) == (len(report.target.data), 7)


def test_words(ended):
    report, result, _ = ended
    text = rendered_static(report, NAME)
    assert f": {result}" in text.splitlines()[0]
    assert "\x1b" not in text
    assert text.isprintable() or "\n" in text


def test_words_name_rules_differences_and_what_is_open():
    assert "static-copied@1" in rendered_static(check_target(target), NAME)
    assert "content                  demo/main.py" in rendered_static(
        check_target(lambda: target(WRONG)), NAME
    )
    text = rendered_static(check_target(lambda: target(MADE)), NAME)
    assert "not-in-sdist             demo/_version.py; no file of the sdist has its bytes" in text
    many = HONEST.wheel_with({f"demo/m{number}.py": b"x\n" for number in range(30)})
    assert "… and 10 more" in rendered_static(check_target(lambda: target(many)), NAME)


@pytest.mark.parametrize(
    "change",
    [
        {"isolation": "bubblewrap"},
        {"recipe": {"sha256": "0" * 64}},
        {"rebuilt": {"name": "x", "digest": {"sha256": "0" * 64}}},
        {"environment": {"interpreter": "x", "platform": "y"}},
        {"attempt": {"count": 1, "startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:04:05Z"}},
        {
            "attempt": {
                "count": 0,
                "outputs": ["0" * 64],
                "startedAt": "2026-01-02T03:04:05Z",
                "finishedAt": "2026-01-02T03:04:05Z",
            }
        },
        {"level": "archive"},
    ],
)
def test_a_static_observation_that_claims_a_build_is_refused(change):
    honest = observed(check_target(target)).observation.wire()
    assert Observation.model_validate_json(json.dumps(honest))
    if "level" in change:
        change = {**change, "comparison": {**honest["comparison"], "rules": []}}
    with pytest.raises(ValidationError, match="a static check"):
        Observation.model_validate_json(json.dumps({**honest, **change}))


def rebuilt(pair, wheel=None):
    return Bench([built(wheel or pair.wheel_bytes)] * 20, versions=("3.13.1",)).rebuild(lambda: target(pair))


def test_every_rebuild_begins_with_it():
    report = rebuilt(HONEST)
    assert report.static.result == "match"
    assert to_json(report, NAME)["static"] == {
        "result": "match", "members": 8, "open": [], "openTotal": 0, "foreign": []}  # fmt: skip
    assert "  without building: all 8 members follow from the sdist" in rendered(report, NAME).splitlines()


def test_what_it_names_stands_in_the_report_of_a_rebuild():
    report = rebuilt(MADE, HONEST.wheel_bytes)
    assert report.cause == "not-in-sdist"
    value = to_json(report, NAME)["static"]
    assert (value["result"], value["openTotal"]) == ("not-attempted", 3)
    assert "demo/_version.py" in value["foreign"]
    text = rendered(report, NAME)
    assert (
        "without building: no file of the sdist has the bytes of demo/\\x1b[2J.py, demo/_version.py" in text
    )
    lost = replace(HONEST, modes={"demo/main.py": 0o755}).sdist_with({"setup.py": b"scripts=['bin/x']\n"})
    pair = lost.wheel_with({"demo-1.0.data/scripts/x": b""})
    assert "without building: 8 of 9 members follow" in rendered(rebuilt(pair), NAME)


def test_a_file_of_the_same_name_does_not_make_foreign_bytes_left_out():
    """Without the static check, the cause would be `left-out`: the sdist has a file of that name."""
    pair = HONEST.wheel_with({"demo/test_main.py": b"evil\n"})
    report = rebuilt(pair, HONEST.wheel_bytes)
    assert report.cause == "not-in-sdist"
    same = HONEST.wheel_with({"demo/test_main.py": HONEST.sdist["tests/test_main.py"]})
    held = same.sdist_with({"x/demo/test_main.py": b"1\n"})
    assert rebuilt(held, HONEST.wheel_bytes).cause == "left-out"


def test_words_for_how_it_ended():
    assert static_result_of(check_target(absent)) == "not-attempted"
    assert str(check_target(lambda: target(MADE)).failure) == (
        "3 of 10 members do not follow from the sdist without a build: 2 not-in-sdist, 1 published-unsafe-name"
    )
