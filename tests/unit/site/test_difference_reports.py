"""A difference report is hostile: it is read strictly, within bounds, and only beside the observation that it is of."""

import json
from datetime import UTC, datetime

import pytest

from rebuilders.report.document import of_wheels
from rebuilders.report.json import report_json
from rebuilders.site.reports import parse
from tests.integration.trusted_nodes import ALPHA, stated
from tests.site_logs import Release, naming, observed, report
from tests.wheels import FILENAME, File, wheel_of
from witness.compare.ladder import compare
from witness.errors import Malformed
from witness.limits import MAX_REPORT
from witness.wheel.reader import read_wheel

AT = datetime(2026, 5, 1, tzinfo=UTC)
SAID = observed(ALPHA, Release("demo", "1.0"), "mismatch", None, finished=AT)
DIFFERENCE = {
    "path": "demo/a.py", "kind": "content", "class": "code-changed", "severity": "runs", "detail": "x = 1",
}  # fmt: skip


def read(data, said=SAID):
    named = naming(said, data)
    return parse(data, named.sha256, named.observation)


def changed(**more):
    return report(SAID, [DIFFERENCE], **more)


def test_what_a_worker_leaves():
    found = read(changed())
    assert [item.path for item in found.of_severity("runs")] == ["demo/a.py"]
    assert found.of_severity("form") == []


def test_a_report_of_real_wheels_is_read():
    pair = tuple(map(read_wheel, (wheel_of(File("demo/x.py", b"1")), wheel_of(File("demo/x.py", b"2")))))
    outcome = compare(*pair)
    data = report_json(of_wheels((FILENAME, FILENAME), *pair, outcome))
    said = stated(ALPHA, "mismatch", filename=FILENAME, sha256=pair[0].sha256)
    rebuilt = said.observation.rebuilt.model_copy(
        update={"digest": said.observation.rebuilt.digest.model_copy(update={"sha256": pair[1].sha256})}
    )
    observation = naming(said, data).observation.model_copy(update={"rebuilt": rebuilt})
    found = parse(data, pair[0].sha256, observation)
    assert {item.path for item in found.differences} == {one.path for one in outcome.comparison.differences}


def test_keys_may_be_added_within_the_version():
    assert read(changed(more={"anything": ["<script>"]})).name == SAID.filename


@pytest.mark.parametrize(
    "more",
    [
        {"schema": "report/2"},
        {"result": "match", "level": "bitwise"},
        {"result": "fine"},
        {"published": None},
        {
            "published": {
                "filename": "x",
                "sha256": "00" * 32,
                "size": 1,
                "members": 1,
                "payloadDigest": "00" * 32,
            }
        },
        {"rebuilt": None},
        {"differences": [{**DIFFERENCE, "severity": "<script>"}]},
        {"differences": [{**DIFFERENCE, "path": 7}]},
        {"differences": [{**DIFFERENCE, "detail": "x" * 5000}]},
        {"differences": [DIFFERENCE] * 2001},
        {"differences": {}},
        {"differencesTotal": -1},
        {"differencesTotal": True},
        {"differencesTotal": "1"},
        {"differencesTotal": 2**60},
        {"container": [{"field": "x"}]},
        {"rebuild": {"cause": ["x"]}},
        {"name": "\ud800"},
    ],
    ids="+".join,
)
def test_what_is_refused(more):
    with pytest.raises(Malformed):
        read(changed(**more))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"null", b"[]", b"{}", b"\xff", b'{"schema":"report/1","schema":"report/1"}', b"[" * 100_000,
        b'{"a":NaN}', b" " * (MAX_REPORT + 1),
    ],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_no_report(data):
    with pytest.raises(Malformed):
        read(data)


def test_cut_off_anywhere():
    data = changed()
    for length in range(0, len(data) - 2, 7):
        with pytest.raises(Malformed):
            read(data[:length])


def test_another_one_than_the_observation_names():
    named = naming(SAID, changed())
    parse(changed(), SAID.sha256, named.observation)
    for data in (changed(differencesTotal=7), changed() + b" "):
        with pytest.raises(Malformed, match="not the one that the observation names"):
            parse(data, SAID.sha256, named.observation)
    with pytest.raises(Malformed, match="not the one that the observation names"):
        parse(changed(), SAID.sha256, SAID.observation)


def test_of_another_file():
    other = observed(ALPHA, Release("demo", "2.0"), "mismatch", None, finished=AT)
    with pytest.raises(Malformed, match="another file"):
        read(changed(), other)
    value = json.loads(changed())
    value["rebuilt"]["sha256"] = "11" * 32
    with pytest.raises(Malformed, match="another rebuilt wheel"):
        read(json.dumps(value).encode())
