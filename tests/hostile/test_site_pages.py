"""The pages of a site take whatever a node says as text: in HTML, in feeds, in badges, in the lists of the search."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from tests.hostile_site import hostile_site
from tests.site_tree import broken, pages

ALLOWED = frozenset(re.findall(r"\w+", """
    html head meta title link script body a header div img span nav form label input main footer p h1 h2 h3 h4 section
    strong ul ol li table thead tbody tr th td caption figure figcaption svg rect path circle pattern defs text button
    details summary code pre br noscript em
"""))  # fmt: skip
HIDDEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


class Reader(HTMLParser):
    """What a page is made of."""

    def __init__(self):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return hostile_site(tmp_path_factory.mktemp("hostile"))


def test_there_is_much_to_look_at(site):
    assert len(list((site / "file").rglob("*.html"))) == 31
    assert (site / "project" / "demo.html").exists()


def test_no_page_has_markup_that_is_not_ours(site):
    for path, data in pages(site).items():
        if not path.endswith(".html"):
            continue
        reader = Reader()
        reader.feed(data.decode())
        for tag, attributes in reader.tags:
            assert tag in ALLOWED, path
            assert not any(name.startswith("on") or name == "style" for name in attributes), path
            if tag == "script":
                assert attributes == {"src": "site.js", "defer": None}
            if tag == "meta":
                assert attributes.get("http-equiv") in (None, "Content-Security-Policy")
            for name in ("href", "src", "action"):
                value = attributes.get(name) or ""
                assert re.match(r"(\.\./)*[a-z]|https://good\.example/|#", value) or not value, (path, value)
                assert not value.startswith(("javascript:", "data:", "//")), (path, value)


def test_no_page_has_a_character_that_hides_or_turns(site):
    for path, data in pages(site).items():
        assert not HIDDEN.search(data.decode()), path


def test_templates_are_not_filled_twice(site):
    assert not any(
        b"49" in data and b"7*7" not in data and b"raw %}" in data for data in pages(site).values()
    )
    assert any(b"{{ 7*7 }}" in data for data in pages(site).values())


def test_every_page_leads_somewhere(site):
    assert broken(site) == []


def test_feeds_badges_and_lists_are_well_formed(site):
    for path, data in pages(site).items():
        if path.endswith((".svg", ".xml")):
            ET.fromstring(data)
        elif path.endswith(".json"):
            json.loads(data)


def test_no_command_holds_what_a_shell_would_take_otherwise(site):
    for path, data in pages(site).items():
        if path.endswith(".html"):
            for command in re.findall(
                r"<code>((?:wheelwitness|rebuilder) .*?)</code>", data.decode(), re.DOTALL
            ):
                assert re.fullmatch(r"[A-Za-z0-9 .:_+\n-]+", command), command
