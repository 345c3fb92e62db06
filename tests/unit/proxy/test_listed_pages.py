"""Pages of indexes, filtered: what they have stays, known to us or not, and what could mislead goes."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mangling import prefixes
from tests.markup import HOSTILE, Elements
from witness.errors import Malformed
from witness.proxy import html_page, json_page
from witness.proxy.listing import Listed

URL = "https://index.example/simple/demo/"
GOOD, OTHER = "a" * 64, "b" * 64
NAME = "demo-1.0-py3-none-any.whl"
FILE = {
    "filename": NAME,
    "url": f"https://files.example/a/{NAME}",
    "hashes": {"sha256": GOOD},
    "requires-python": ">=3.8,<4",
    "size": 1234,
    "upload-time": "2026-01-02T03:04:05.678901Z",
    "yanked": "broken <on> Tuesdays",
    "gpg-sig": True,
    "core-metadata": {"sha256": OTHER},
    "dist-info-metadata": {"sha256": OTHER},
    "provenance": "https://files.example/provenance",
    "from-the-future": {"deep": [1, 2.5, None]},
}
PAGE = {
    "meta": {
        "api-version": "1.4",
        "_last-serial": 7,
        "tracks": ["https://tracked.example/simple/demo/"],
        "x": 1,
    },
    "name": "demo",
    "versions": ["1.0", "2.0"],
    "files": [FILE, {**FILE, "filename": "demo-2.0.tar.gz", "url": "../../a/demo-2.0.tar.gz#egg=demo"}],
    "alternate-locations": ["https://other.example/simple/demo/"],
    "project-status": {"status": "archived", "reason": "done <here>"},
    "of-tomorrow": True,
}
ABOUT = {"offered": 1}


def address(file: Listed) -> str:
    return file.url


def read(page=PAGE, url=URL):
    return json_page.parse(json.dumps(page).encode(), url)


def test_json_keeps_every_key_and_writes_addresses_in_full():
    page = read()
    kept = json.loads(page.as_json([True, True], address, ABOUT))
    second = {**PAGE["files"][1], "url": "https://index.example/a/demo-2.0.tar.gz"}
    assert kept == {**PAGE, "files": [FILE, second], "_wheelwitness": ABOUT}
    assert [item.filename for item in page.files] == [NAME, "demo-2.0.tar.gz"]


def test_json_leaves_out_what_is_hidden_and_nothing_else():
    kept = json.loads(read().as_json([False, True], address, ABOUT))
    assert [item["filename"] for item in kept["files"]] == ["demo-2.0.tar.gz"]
    assert kept["versions"] == ["1.0", "2.0"]


def test_a_file_has_one_hash_and_no_fragment():
    file = {**FILE, "hashes": {"sha256": GOOD, "md5": "c" * 32}, "url": f"{FILE['url']}#sha256={OTHER}"}
    page = read({**PAGE, "files": [file]})
    (kept,) = json.loads(page.as_json([True], address, ABOUT))["files"]
    assert (kept["hashes"], kept["url"]) == ({"sha256": GOOD}, FILE["url"])
    (anchor,) = [
        attrs for tag, attrs in Elements(page.as_html([True], address, []).decode()).found if tag == "a"
    ]
    assert anchor["href"] == f"{FILE['url']}#sha256={GOOD}"


def test_provenance_is_an_address_in_full():
    page = read({**PAGE, "files": [{**FILE, "provenance": "/p"}]})
    (kept,) = json.loads(page.as_json([True], address, ABOUT))["files"]
    assert kept["provenance"] == "https://index.example/p"


def test_json_as_html_says_all_that_html_can():
    elements = Elements(read().as_html([True, False], address, ["a note"]).decode())
    (anchor,) = [attrs for tag, attrs in elements.found if tag == "a"]
    assert anchor == {
        "href": f"{FILE['url']}#sha256={GOOD}",
        "data-requires-python": ">=3.8,<4",
        "data-yanked": "broken <on> Tuesdays",
        "data-gpg-sig": "true",
        "data-provenance": "https://files.example/provenance",
        "data-core-metadata": f"sha256={OTHER}",
        "data-dist-info-metadata": f"sha256={OTHER}",
    }
    metas = [(attrs["name"], attrs["content"]) for tag, attrs in elements.found if "name" in attrs]
    assert metas == [
        ("pypi:repository-version", "1.4"),
        ("pypi:tracks", "https://tracked.example/simple/demo/"),
        ("pypi:alternate-locations", "https://other.example/simple/demo/"),
        ("pypi:project-status", "archived"),
        ("pypi:project-status-reason", "done <here>"),
    ]
    assert "a note" in elements.text


@pytest.mark.parametrize(
    ("yanked", "attribute"), [(False, None), (None, None), (True, ""), ("", ""), ("because", "because")]
)
def test_yanked(yanked, attribute):
    text = read({**PAGE, "files": [{**FILE, "yanked": yanked}]}).as_html([True], address, []).decode()
    (anchor,) = [attrs for tag, attrs in Elements(text).found if tag == "a"]
    assert anchor.get("data-yanked") == attribute


ANCHORS = f"""<!DOCTYPE html><html><head>
<base href="https://base.example/x/">
<meta name="pypi:repository-version" content="1.3"><meta name="pypi:tracks" content="https://t.example/">
<meta name="viewport" content="no"><title>Links</title></head><body onload="alert(1)">
<a href="{NAME}#md5=x&amp;sha256={GOOD}" data-requires-python="&gt;=3.8" data-yanked data-from-tomorrow="&lt;b&gt;"
 onclick="alert(1)" style="x" DATA-GPG-SIG=true>{NAME}</a><br>
<a href=https://files.example/demo-2.0.tar.gz>demo-2.0.tar.gz
<a href="/no-hash-1.0-py3-none-any.whl#sha256=ABC">x</a>
<a name="no address">nothing</a><script>alert(1)</script>
"""


def test_html_keeps_anchors_with_their_data_and_the_metas():
    page = html_page.parse(ANCHORS.encode(), URL, "demo")
    assert page.files == (
        Listed(NAME, f"https://base.example/x/{NAME}", GOOD),
        Listed("demo-2.0.tar.gz", "https://files.example/demo-2.0.tar.gz", ""),
        Listed("no-hash-1.0-py3-none-any.whl", "https://base.example/no-hash-1.0-py3-none-any.whl", ""),
    )
    elements = Elements(page.as_html([True, True, False], address, ["note"]).decode())
    anchors = [attrs for tag, attrs in elements.found if tag == "a"]
    assert anchors == [
        {
            "href": f"https://base.example/x/{NAME}#sha256={GOOD}",
            "data-requires-python": ">=3.8",
            "data-yanked": "",
            "data-from-tomorrow": "<b>",
            "data-gpg-sig": "true",
        },
        {"href": "https://files.example/demo-2.0.tar.gz"},
    ]
    assert [attrs["content"] for tag, attrs in elements.found if "name" in attrs] == [
        "1.3",
        "https://t.example/",
    ]
    assert elements.tags == {"html", "head", "meta", "title", "body", "h1", "a", "br", "p"}
    assert page.as_json([True, True, True], address, ABOUT) is None


def test_what_strangers_write_stays_text():
    entry = {
        **FILE,
        "filename": HOSTILE,
        "yanked": HOSTILE,
        "requires-python": HOSTILE,
        "url": f"https://f.example/{HOSTILE}",
    }
    page = read({**PAGE, "name": HOSTILE, "files": [entry], "project-status": {"status": HOSTILE}})
    text = page.as_html([True], address, [HOSTILE]).decode()
    assert Elements(text).tags == {"html", "head", "meta", "title", "body", "h1", "a", "br", "p"}
    again = html_page.parse(text.encode(), URL, HOSTILE)
    assert dict(again.anchors[0].attributes)["data-yanked"] == HOSTILE


@pytest.mark.parametrize(
    "change",
    [
        {"meta": {"api-version": "2.0"}},
        {"meta": {}},
        {"meta": []},
        {"name": 1},
        {"files": {}},
        {"files": [1]},
        {"files": [{**FILE, "url": None}]},
        {"files": [{**FILE, "hashes": []}]},
        {"files": [{**FILE, "filename": 1}]},
    ],
)
def test_what_is_no_page_is_refused_whole(change):
    with pytest.raises(Malformed):
        read({**PAGE, **change})


def test_every_prefix_of_a_page_in_json_is_refused():
    for part in prefixes(json.dumps(PAGE).encode()):
        with pytest.raises(Malformed):
            json_page.parse(part, URL)


def test_html_of_another_version_or_encoding_is_refused():
    for body in (b'<meta name="pypi:repository-version" content="2.0">', b"\xff"):
        with pytest.raises(Malformed):
            html_page.parse(body, URL, "demo")


@pytest.mark.parametrize("unit", ["<a x='", '<a x="', "<!--", "<a ", "</"])
def test_what_nothing_ends_is_not_read_again_and_again(unit):
    """The parser of the standard library begins anew behind each "<": hours for a page of the size that is allowed."""
    link = '<a href="https://f.example/x.whl">x</a>'
    assert len(html_page.parse(f"{link}{unit}".encode(), URL, "demo").files) >= 1
    with pytest.raises(Malformed, match="ends within a tag or a comment"):
        html_page.parse(f"{link}{unit * 2_000_000}".encode(), URL, "demo")


@pytest.mark.parametrize("sha256", ["A" * 64, "a" * 63, "", 7, None])
def test_a_digest_in_another_form_is_none(sha256):
    assert read({**PAGE, "files": [{**FILE, "hashes": {"sha256": sha256}}]}).files[0].sha256 == ""


@pytest.mark.parametrize(
    ("url", "flawed"),
    [
        (f"https://files.example/{NAME}", False),
        (f"https://files.example/{NAME}?token=x", False),
        ("https://files.example/demo-2.0-py3-none-any.whl", True),
        (f"javascript:{NAME}", True),
        (f"file:///tmp/{NAME}", True),
        (f"https://[x/{NAME}", True),
        ("", True),
    ],
)
def test_addresses(url, flawed):
    assert bool(read({**PAGE, "files": [{**FILE, "url": url}]}).files[0].flaw) == flawed


def test_an_escaped_address_names_its_file():
    name = "demo-1.0+local-py3-none-any.whl"
    file = {**FILE, "filename": name, "url": "https://f.example/demo-1.0%2Blocal-py3-none-any.whl"}
    assert not read({**PAGE, "files": [file]}).files[0].flaw
    kept = json.loads(read({**PAGE, "files": [file]}).as_json([True], address, ABOUT))
    assert kept["files"][0]["url"] == file["url"]


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_malformed(data):
    for parse in (lambda: json_page.parse(data, URL), lambda: html_page.parse(data, URL, "demo")):
        with contextlib.suppress(Malformed):
            parse()


@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.sampled_from(["a", "br", "base", "meta", "script", "!--"])),
        max_size=8,
    ),
    st.text(alphabet="<>\"'&=/ -!#a", max_size=60),
)
def test_html_that_is_offered_never_has_more_links_than_are_kept(parts, rest):
    body = "".join(f'<{tag} href="{text}" name="pypi:{text}" content="{rest}">' for text, tag in parts) + rest
    try:
        page = html_page.parse(body.encode("utf-8", "replace"), URL, "demo")
    except Malformed:
        return
    offered = page.as_html([False] * len(page.files), address, [rest]).decode()
    assert html_page.parse(offered.encode(), URL, "demo").files == ()
