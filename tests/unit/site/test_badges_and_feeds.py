"""Badges and feeds are well-formed, load nothing, and take any text as text."""

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuilders.site.badges import Badge
from rebuilders.site.feeds import Entry, Feed

ATOM = "{http://www.w3.org/2005/Atom}"
SVG = "{http://www.w3.org/2000/svg}"
NASTY = "\"'><script>alert(1)</script>&\u202e\x00\x1b[31m]]>"


@given(st.text(max_size=100), st.sampled_from(["good", "bad", "split", "idle"]))
def test_a_badge_is_a_picture_of_text(message, tone):
    root = ET.fromstring(Badge(message, tone).svg)
    assert {element.tag for element in root.iter()} <= {
        SVG + name for name in ("svg", "title", "clipPath", "rect", "g", "text")
    }
    assert not any("href" in key or key.startswith("on") for element in root.iter() for key in element.attrib)
    assert json.loads(Badge(message, tone).endpoint)["schemaVersion"] == 1


@pytest.mark.parametrize(("tone", "colour"), [("good", "brightgreen"), ("bad", "red"), ("idle", "lightgrey")])
def test_the_endpoint_says_the_same(tone, colour):
    value = json.loads(Badge("12 of 13 files", tone).endpoint)
    assert value == {
        "schemaVersion": 1, "label": "rebuilt from sdist", "message": "12 of 13 files", "color": colour,
    }  # fmt: skip


def entry(key="a", at="2026-05-01T00:00:00Z", text=NASTY):
    return Entry(key, text, "file/aa/x.html", at, text)


def feed(*entries, address="https://node.example/regressions.xml", key="node"):
    return Feed(key, NASTY, NASTY, "regressions.html", address, entries)


def test_a_feed_is_what_atom_wants():
    root = ET.fromstring(feed(entry(), entry("b", "2026-06-01T00:00:00Z")).xml)
    assert [root.findtext(ATOM + name) for name in ("updated",)] == ["2026-06-01T00:00:00Z"]
    ids = [element.text for element in root.iter(ATOM + "id")]
    assert len(set(ids)) == 3
    assert all(text.startswith("urn:uuid:") for text in ids)
    links = [link.attrib["href"] for link in root.iter(ATOM + "link")]
    assert "file/aa/x.html" in links
    assert "https://node.example/regressions.xml" in links


def test_a_feed_whose_address_is_not_known_does_not_say_it():
    root = ET.fromstring(feed(entry(), address="").xml)
    assert [link.attrib["rel"] for link in root.iter(ATOM + "link")] == ["alternate", "alternate"]


def test_ids_stay_and_are_the_feeds_own():
    def ids(**more):
        return [element.text for element in ET.fromstring(feed(entry(), **more).xml).iter(ATOM + "id")]

    assert ids() == ids(address="https://elsewhere.example/regressions.xml")
    assert not set(ids()) & set(ids(key="other"))


def test_an_empty_feed_does_not_change_by_itself():
    assert feed().xml == feed().xml
    assert b"1970-01-01T00:00:00Z" in feed().xml
