"""A report as a page and as JSON: what it says, and that nothing in a wheel can make it more than text."""

import json
import re
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebuilders.report.document import Diffoscoped, of_rebuild, of_wheels
from rebuilders.report.json import report_json
from rebuilders.report.page import page
from tests.markup import HOSTILE, Elements
from tests.unit.rebuild.test_reports import NAME, REPORTS
from tests.wheels import (
    DIST_INFO,
    FILENAME,
    FILES,
    METADATA,
    PAYLOAD,
    WHEEL,
    File,
    deflated,
    recorded,
    wheel_of,
    with_file,
    zip_of,
)  # fmt: skip
from witness.compare.ladder import compare
from witness.escape import printable
from witness.wheel.reader import read_wheel

INFO = f"{DIST_INFO}/"
KEYS = {
    "schema", "name", "result", "level", "archiveExact", "ruleSet", "rules", "differences", "differencesTotal",
    "container", "published", "rebuilt", "rebuild", "diffoscope",
}  # fmt: skip
TAGS = Elements(page(of_rebuild(REPORTS["mismatch"](), NAME))).tags


def document(published, rebuilt, names=(FILENAME, FILENAME)):
    wheels = read_wheel(published), read_wheel(rebuilt)
    return of_wheels(names, *wheels, compare(*wheels))


def wheel(changed):
    files = [replace(file, content=changed.pop(file.name, file.content)) for file in FILES]
    return zip_of(
        recorded([*files, *(File(name, content, flags=0x800) for name, content in changed.items())])
    )


@pytest.fixture(params=REPORTS, scope="module")
def rebuilt(request):
    return of_rebuild(REPORTS[request.param](), NAME)


def test_every_way_a_rebuild_can_end_is_a_page(rebuilt):
    elements = Elements(page(rebuilt))
    assert rebuilt.result in elements.text
    assert rebuilt.words[0] in elements.text
    assert "\x1b" not in page(rebuilt)
    assert "\u202e" not in page(rebuilt)
    if rebuilt.rebuild.failure is not None:
        assert rebuilt.rebuild.failure.cause in elements.text


def test_every_way_a_rebuild_can_end_is_json(rebuilt):
    value = json.loads(report_json(rebuilt))
    assert set(value) == KEYS
    assert (value["schema"], value["result"]) == ("report/1", rebuilt.result)
    assert report_json(rebuilt).isascii()
    assert (value["rebuild"]["failure"] is None) == (value["published"] is not None)
    if value["published"]:
        assert value["rebuild"]["recipe"]["digest"] == rebuilt.rebuild.best.recipe.digest
        assert value["rebuild"]["reasons"]


def test_a_mismatch_is_shown_by_weight():
    files = {
        "demo/__init__.py": b"x = 1\n" * 39 + b"x = 2\n",
        f"{INFO}METADATA": METADATA + b"Requires-Dist: evil\n",
    }
    shown = document(wheel({}), wheel({**files, "demo/x.pth": b"import evil\n"}))
    assert [group.severity for group in shown.groups()] == ["runs", "installs", "form"]
    text = Elements(page(shown)).text
    places = [text.index(word) for word in ("Changes what can run", "import evil", "x = 2", "evil", "RECORD")]
    assert places[0] < places[1]
    assert places[2] < places[4]
    assert "Requires-Dist" in text
    assert "mismatch, 4 differences" in text


def test_rules_are_shown_with_both_values_and_what_they_equate():
    shown = document(wheel({}), wheel({f"{INFO}WHEEL": WHEEL.replace(b"75.0.0", b"75.0.9")}))
    assert [rule.use.id for rule in shown.rules()] == ["record-complete@1", "generator@1"]
    text = Elements(page(shown)).text
    for word in ("Equal by named rules", "Generator: setuptools (75.0.0)", "Generator: setuptools (75.0.9)"):
        assert word in text
    value = json.loads(report_json(shown))
    assert value["rules"][1]["published"] == "Generator: setuptools (75.0.0)"


OTHER_LIBRARY = zip_of(with_file(0, packed=deflated(PAYLOAD[0].content, 9, strategy=zlib.Z_HUFFMAN_ONLY)))


@pytest.mark.parametrize(
    ("published", "rebuilt", "words"),
    [
        (wheel_of(), wheel_of(), "byte for byte."),
        (wheel_of(), zip_of(with_file(0, time=99)), "The published file follows from them"),
        (OTHER_LIBRARY, wheel_of(), "compressed by another library"),
        (wheel_of(), wheel_of(File("demo/x.txt", b"x")), "What one installs is not what the other installs."),
    ],
)
def test_words_for_each_result(published, rebuilt, words):
    assert words in Elements(page(document(published, rebuilt))).text


def test_what_differs_in_the_archive_alone():
    files = [replace(FILES[0], time=99, mode=0o100600), replace(FILES[1], time=99), *FILES[2:]]
    shown = document(wheel_of(), zip_of(files, order=[1, 0, 2, 3, 4]))
    found = {change.field: change for change in shown.container()}
    assert set(found) == {"order", "time", "mode"}
    assert (found["time"].count, found["time"].published, found["time"].rebuilt) == (
        2, "2020-02-02 00:00:00", "2020-02-02 00:03:06")  # fmt: skip
    assert (found["mode"].path, found["mode"].rebuilt) == ("demo/__init__.py", "100600")
    text = Elements(page(shown)).text
    assert "What differs in the archive alone" in text
    assert "2020-02-02 00:03:06" in text
    assert [change["field"] for change in json.loads(report_json(shown))["container"]] == [
        "order",
        "time",
        "mode",
    ]
    assert document(wheel_of(), wheel_of(comment=b"x")).container() == ()


def test_findings_of_the_very_same_file():
    same = wheel_of(File("demo/<b>.py", b""), comment=b"x")
    text = Elements(page(document(same, same))).text
    assert "What the published file gets wrong by itself" in text
    assert "demo/<b>.py" in text
    check(document(same, same))


def test_the_recipe_and_its_reasons():
    text = Elements(page(of_rebuild(REPORTS["nearest"](), NAME))).text
    for word in (
        "CPython 3.12.2",
        "setuptools==75.0.0",
        "PYTHONHASHSEED=0",
        "changed to come nearer",
        "Why this",
    ):
        assert word in text
    assert "What was tried first, and why" in Elements(page(of_rebuild(REPORTS["build-failed"](), NAME))).text


def test_the_log_of_a_failed_build_is_its_end_and_printable():
    report = REPORTS["build-failed"]()
    report.failure.log = b"".join(b"line %d \x1b[2J\xff\n" % number for number in range(1000))
    text = Elements(page(of_rebuild(report, NAME))).text
    assert "line 999 \\x1b[2J" in text
    assert "line 900" not in text


MANY_LINES = b"".join(b"x=%d\n" % number for number in range(100_000))
CONTENTS = {
    "injection": HOSTILE.encode(),
    "a template": b"{{ document }}{% include 'x' %}{{ ''.__class__ }}",
    "the end of the style": b"</style><script>document.title='owned'</script>",
    "one line of a megabyte": b"<script>" + b"x" * 1_000_000,
    "100000 lines": MANY_LINES,
    "binary": bytes(range(256)) * 4,
    "invalid UTF-8": b"\xff\xfe<script>\xc3\x28",
    "overlong": b"\xc0\xbcscript\xc0\xbe",
    "controls": bytes(range(32)) + "\x7f\x80\x9b\u202e\u2066\u200b\u2028\ufeff".encode(),
    "surrogates": "\ud83d<".encode("utf-16-le", "surrogatepass"),
    "empty": b"",
}
PLACES = ["demo/__init__.py", "demo/page.html", f"{INFO}METADATA", f"{INFO}entry_points.txt", f"{INFO}RECORD"]


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_hostile_contents_are_text(path, content):
    base = METADATA if path.endswith("METADATA") else b""
    files = [file for file in FILES if file.name != path]
    pair = [zip_of([*files, File(path, base + more)]) for more in (content, content[::-1] + b"\n<b>")]
    for shown in (document(*pair), document(*pair[::-1]), document(pair[0], zip_of(FILES))):
        check(shown)


@pytest.mark.parametrize(
    "name",
    [
        f"demo/{HOSTILE}.py",
        "demo/" + "<b>" * 200,
        "demo/\x1b]8;;http://x.example\x07.pth",
        "javascript:alert(1)//x.py",
    ],
)
def test_hostile_names_are_text(name):
    check(document(wheel({name: b"1\n"}), wheel({})), document(wheel({name: b"1\n"}), wheel({name: b"2\n"})))


def test_a_hostile_file_name_is_text():
    check(document(wheel({}), wheel({"a": b""}), names=(HOSTILE, HOSTILE)))


def test_hostile_fields_and_rows_are_text():
    field = f"Requires-Dist: {HOSTILE}\nSummary: {HOSTILE}\n".encode()
    points = f"[{HOSTILE}]\n{HOSTILE} = {HOSTILE}\n".replace("\x1b", "").encode()
    record = f'"{HOSTILE.replace(chr(34), "")}",x,1\n'.encode()
    for path, content in ((f"{INFO}METADATA", METADATA + field), (f"{INFO}entry_points.txt", points)):
        check(document(wheel({}), wheel({path: content})))
    files = [file for file in FILES if not file.name.endswith("RECORD")]
    check(document(zip_of(FILES), zip_of([*files, File(f"{INFO}RECORD", record)])))


def test_a_report_of_many_and_large_differences_stays_small():
    many = {f"demo/x{number}.py": MANY_LINES[: 9_000 + number] for number in range(250)}
    shown = document(wheel({}), wheel(many))
    text = page(shown)
    assert len(text) < 3_000_000
    assert "And 51 more, which are not listed." in Elements(text).text
    assert "not shown: this report shows enough already" in Elements(text).text


def check(*documents):
    """The page is made of the elements of any other page, shows nothing that hides, and its JSON parses."""
    for shown in documents:
        text = page(shown)
        elements = Elements(text)
        assert elements.tags <= TAGS | {"del", "ins", "b", "col", "colgroup", "a", "p"}
        assert not elements.tags & {
            "script",
            "img",
            "iframe",
            "link",
            "object",
            "form",
            "base",
            "svg",
            "math",
        }
        for tag, attributes in elements.found:
            assert set(attributes) <= {
                "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "rel", "scope", "open",
                "data-side", "aria-hidden",
            }, tag  # fmt: skip
            assert attributes.get("href", "#")[:1] == "#" or attributes["href"] in (
                "report.json",
                "diffoscope.html",
                "diffoscope.json",
            )
        assert len([tag for tag, _ in elements.found if tag == "style"]) == 1
        body = text.split("</style>", 1)[1]
        assert all(printable(line, limit=len(line)) == line for line in body.split("\n"))
        assert len(text) < 2_000_000
        assert json.loads(report_json(shown))["name"] == shown.name


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(PLACES),
    st.one_of(
        st.binary(max_size=80),
        st.text(alphabet="<>\"'&;!-/scriptimg \n{%}[]=:,", max_size=60).map(str.encode),
    ),
    st.one_of(
        st.binary(max_size=80),
        st.text(alphabet="<>\"'&;!-/scriptimg \n{%}[]=:,", max_size=60).map(str.encode),
    ),
)
def test_whatever_is_in_a_member_is_text(path, published, rebuilt):
    files = [file for file in FILES if file.name != path]
    ours, theirs = (zip_of([*files, File(path, content)]) for content in (published, rebuilt))
    if published != rebuilt:
        shown = document(ours, theirs)
        if not shown.compared.outcome.matches:
            check(shown)


def test_the_page_allows_itself_its_own_style_and_nothing_else():
    text = page(document(wheel({}), wheel({"a": b""})))
    (policy,) = [a["content"] for tag, a in Elements(text).found if tag == "meta" and "http-equiv" in a]
    assert re.fullmatch(
        "default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'",
        policy,
    )
    assert not re.search(r"https?://|src=|url\(|javascript:|@import|style=", text)
    assert text.index("Content-Security-Policy") < text.index("<title>")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            Diffoscoped({"diffoscope.html": b"", "diffoscope.json": b""}),
            "What diffoscope makes of the two files",
        ),
        (
            Diffoscoped({}, "it was ended after 150 s"),
            "There is no report of diffoscope: it was ended after 150 s.",
        ),
        (Diffoscoped({}, HOSTILE), "There is no report of diffoscope: <script>"),
    ],
)
def test_what_came_of_diffoscope(told, words):
    shown = replace(document(wheel({}), wheel({"a": b""})), diffoscope=told)
    assert words in Elements(page(shown)).text
    check(shown)
    assert json.loads(report_json(shown))["diffoscope"] == {
        "files": sorted(told.files), "failure": told.failure or None}  # fmt: skip
