"""Many results in one view: counts, order, examples, and a page that nothing from a package can break out of."""

import re
from html.parser import HTMLParser

import pytest

from rebuilders.result import incomplete_json, to_json
from rebuilders.summary import outcome_of, page, rendered, summarise
from tests.wheels import File, wheel_of
from tests.workbench import Bench, built, failed
from witness.errors import FetchFailed
from witness.names import TargetName

NAME = TargetName.parse("demo==1.0")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>\x1b[2J\u202e"


def line(result="match", *, level="bitwise", exact=True, name="demo==1.0", **more):
    value = {
        **incomplete_json(NAME, FetchFailed("x")), "input": name, "result": result, "failure": None,
        "level": level if result == "match" else None, "archiveExact": exact, "attempts": 1,
        "seconds": {"total": 1.5}, "backend": "setuptools", "uploaded": "2024-01-02T00:00:00Z",
    }  # fmt: skip
    return {**value, **more}


def unbuilt(phase="build", cause="failed", **more):
    return line("build-failed", failure={"phase": phase, "cause": cause}, **more)


MANY = [
    line(), line(level="archive", name="b==1"), line(level="archive", exact=False), line(level="metadata"),
    line("mismatch", cause="line-ends", name="c==1", backend="flit", uploaded="2023-05-06T00:00:00Z"),
    *(line("mismatch", cause="not-in-sdist", name=f"d=={n}", backend=None, uploaded=None) for n in range(5)),
    unbuilt(name="e==1"), unbuilt("resolve", "unsatisfiable", name="f==1"), unbuilt(name="g==1"),
    line("not-attempted", failure={"phase": "locate", "cause": "no-sdist"}, name="h==1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "outcome"),
    [(line(), "bitwise"), (line(level="archive"), "archive"), (line(level="archive", exact=False),
      "archive, other compression"), (line(level="metadata", exact=False), "metadata"),
     (line(level="content"), "content"),
     (line("mismatch"), "mismatch"), (unbuilt(), "not built"), (line("not-attempted"), "not built")],
)  # fmt: skip
def test_outcomes(given, outcome):
    assert outcome_of(given) == outcome


def test_counts():
    summary = summarise(iter(MANY))
    assert (summary.all.total, summary.all.matched, summary.attempts) == (14, 4, 14)
    assert summary.seconds == pytest.approx(21.0)
    assert list(summary.all.outcomes.items()) == [
        ("bitwise", 1), ("archive", 1), ("archive, other compression", 1), ("metadata", 1), ("mismatch", 6),
        ("not built", 4)]  # fmt: skip


def test_groups():
    summary = summarise(MANY)
    assert [(group.name, group.total, group.matched) for group in summary.by_backend] == [
        ("setuptools", 8, 4), ("unknown", 5, 0), ("flit", 1, 0)]  # fmt: skip
    assert [(group.name, group.total) for group in summary.by_year] == [
        ("2023", 1),
        ("2024", 8),
        ("unknown", 5),
    ]


def test_causes_by_frequency_each_with_the_first_examples():
    assert [(cause.name, cause.count, cause.examples) for cause in summarise(MANY).causes] == [
        ("differs: not-in-sdist", 5, ("d==0", "d==1", "d==2")),
        ("not built: build: failed", 2, ("e==1", "g==1")),
        ("differs: line-ends", 1, ("c==1",)),
        ("not built: locate: no-sdist", 1, ("h==1",)),
        ("not built: resolve: unsatisfiable", 1, ("f==1",)),
    ]


def test_words():
    assert rendered(summarise(MANY)).split("\n")[:2] == [
        "14 targets: 1 bitwise, 1 archive, 1 archive, other compression, 1 metadata, 6 mismatch, 4 not built",
        "     5  differs: not-in-sdist: d==0, d==1, d==2",
    ]
    shown = rendered(summarise([line("mismatch", cause=HOSTILE, name=HOSTILE)]))
    assert all(text.isprintable() for text in shown.split("\n"))


def test_nothing():
    summary = summarise([])
    assert rendered(summary) == "0 targets: nothing"
    assert (summary.all.total, summary.all.matched, summary.causes, summary.by_backend) == (0, 0, (), ())
    assert "0 of 0 wheels" in page(summary)


def test_everything_matched():
    assert "Nothing: every wheel was matched." in page(summarise([line()]))


@pytest.mark.parametrize("key", ["backend", "uploaded", "cause", "explanation", "seconds", "attempts"])
def test_what_an_older_release_did_not_write_is_unknown(key):
    lines = [{name: value for name, value in line("mismatch").items() if name != key}]
    summary = summarise(lines)
    assert summary.all.total == 1
    assert page(summary)
    assert summarise([line("mismatch")]).causes[0].name == "differs: unknown"


def test_what_the_pipeline_writes():
    reports = [
        Bench([built(wheel_of())]).rebuild(),
        Bench([built(wheel_of(File("demo/x.py", b"x")))], versions=("3.13.1",)).rebuild(),
        Bench([failed()] * 9, versions=("3.13.1",)).rebuild(),
    ]
    lines = [{"input": "demo==1.0", **to_json(report, NAME)} for report in reports]
    lines.append({"input": "demo==1.0", **incomplete_json(NAME, FetchFailed("down"))})
    summary = summarise(lines)
    assert summary.all.outcomes == {"bitwise": 1, "mismatch": 1, "not built": 2}
    assert [cause.name for cause in summary.causes] == [
        "differs: added", "not built: build: backend-error", "not built: fetch: incomplete"]  # fmt: skip
    assert [group.name for group in summary.by_year] == ["2025", "unknown"]


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_a_page_holds_hostile_names_as_text():
    lines = [
        line("mismatch", cause=HOSTILE, name=HOSTILE, backend=HOSTILE, uploaded=HOSTILE),
        unbuilt(HOSTILE, HOSTILE, name=HOSTILE, backend=HOSTILE, uploaded=HOSTILE),
        *MANY,
    ]
    text = page(summarise(lines))
    elements = Elements(text)
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "img", "iframe", "link", "object", "base", "form", "a"}
    assert "<script" not in text
    assert any("<script>alert(1)</script>" in found for found in elements.texts)
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    plain = Elements(page(summarise(MANY)))
    assert {tag for tag, _ in plain.found} == tags


def test_a_page_allows_itself_nothing_and_loads_nothing():
    text = page(summarise(MANY))
    (policy,) = [a["content"] for tag, a in Elements(text).found if tag == "meta" and "http-equiv" in a]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert not re.search(r"https?://|src=|href=|url\(|javascript:|@import", text)
    assert "4 of 14 wheels follow from their sdists" in text
    assert "d==0, d==1, d==2" in text
