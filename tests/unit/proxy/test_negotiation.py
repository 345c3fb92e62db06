"""Which form of a page an Accept header gets (PEP 691)."""

import pytest

from witness.proxy.negotiation import HTML, JSON, OLD_HTML, PLAIN_JSON, negotiate

PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
UV = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", OLD_HTML),
        ("*/*", OLD_HTML),
        (PIP, JSON),
        (UV, JSON),
        ("text/html", OLD_HTML),
        (HTML, HTML),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.latest+html;q=0.1", HTML),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", OLD_HTML),
        ("application/*", HTML),
        ("text/*;q=0.2, application/*;q=0.1", OLD_HTML),
        (f"{JSON};q=0, */*", OLD_HTML),
        (f"*/*, {OLD_HTML};q=0", HTML),
        ("TEXT/HTML;Q=0.5", OLD_HTML),
        ("image/png", None),
        ("text/html;q=0", None),
        ("text/html;q=2", None),
        ("text/html;q=x", None),
        ("application/vnd.pypi.simple.v2+json", None),
        ("a" * 3000, OLD_HTML),
    ],
)
def test_simple(accept, expected):
    assert negotiate(accept) == expected


def test_of_our_own_pages():
    assert negotiate("application/json", (OLD_HTML, PLAIN_JSON)) == PLAIN_JSON
    assert negotiate("*/*", (OLD_HTML, PLAIN_JSON)) == OLD_HTML
