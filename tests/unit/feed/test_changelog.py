"""PyPI's changelog by XML-RPC: what it tells, and what is refused of it."""

import xmlrpc.client
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuilders.node.feed.changelog import FULL, Changelog, parse_answer
from tests.unit.feed.world import DAY, HOUR, START, wheel, world
from witness.errors import FetchFailed, Malformed
from witness.fetch import Answer

ROW = ["Demo_Project", "1.0", 1_700_000_000, "new release", 7]


def response(value):
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()


class Server:
    def __init__(self, body, status=200):
        self.answer, self.asked = Answer(status, body), []

    def post(self, url, data, *, limit, kind=""):
        self.asked.append((url, xmlrpc.client.loads(data), kind))
        return self.answer


def since(value, serial=5):
    return Changelog("https://index.example/pypi", Server(response(value))).since(serial)


def test_what_is_asked_and_what_is_told():
    server = Server(response([ROW, ["other", None, 0, "create", 9]]))
    told = Changelog("https://index.example/pypi", server).since(5)
    assert (told.projects, told.serial, told.more) == ({"demo-project", "other"}, 9, False)
    assert server.asked == [("https://index.example/pypi", ((5,), "changelog_since_serial"), "text/xml")]
    assert Changelog("x", Server(response(41))).last() == 41
    assert since([]).serial == 5
    assert since([ROW] * FULL).more
    assert not since([ROW] * FULL, serial=7).more  # no way forward by it


@pytest.mark.parametrize(
    "value",
    ["x", 7, {}, [7], [ROW[:4]], [[*ROW, 1]], [[None, *ROW[1:]]], [["../x", *ROW[1:]]], [["a" * 300, *ROW[1:]]],
     [[*ROW[:4], 0]], [[*ROW[:4], -1]], [[*ROW[:4], True]], [[*ROW[:4], "7"]], [[*ROW[:4], 1.5]], None],
)  # fmt: skip
def test_rows_that_are_none(value):
    with pytest.raises(Malformed):
        since(value)


@pytest.mark.parametrize("value", ["x", 0, -1, True, 2.0, [], None])
def test_serials_that_are_none(value):
    with pytest.raises(Malformed):
        Changelog("x", Server(response(value))).last()


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
INSIDE = (
    "<methodResponse><params><param><value><string>&b;</string></value></param></params></methodResponse>"
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        (BOMB + INSIDE).encode(),
        (f'<?xml version="1.0"?>{BOMB}{INSIDE}').encode(),
        f'<?xml version="1.0"?>\n{INSIDE}'.encode(),
        INSIDE.replace("&b;", "<![CDATA[x]]>").encode(),
        f'<?xml version="1.0" encoding="utf-16"?>{BOMB}{INSIDE}'.encode("utf-16"),
        f'<?xml version="1.0" encoding="cp037"?>{INSIDE}'.encode(),
        b'<?xml version="1.0" encoding="cp037"?>' + (BOMB + INSIDE).encode("cp037"),
        b"\xef\xbb\xbf" + response(7),
        b"<!-- x -->" + response(7),
        response(7)[:-20],
        xmlrpc.client.dumps((7,), "changelog").encode(),
        xmlrpc.client.dumps(xmlrpc.client.Fault(1, "HTTPTooManyRequests"), methodresponse=True).encode(),
        response(7).replace(b"<int>7</int>", b"<int>seven</int>"),
        response(7).replace(b"<int>7</int>", b"<bigdecimal>seven</bigdecimal>"),
        response(7).replace(b"<int>7</int>", b"<base64>a</base64>"),
        response(7).replace(b"<int>7</int>", b"<int>" + b"9" * 5000 + b"</int>"),
    ],
)  # fmt: skip
def test_answers_that_are_none(body):
    with pytest.raises(Malformed):
        parse_answer(body)


def test_nested_for_ever():
    value = b"<array><data><value>" * 50_000 + b"</value></data></array>" * 50_000
    body = response(7).replace(b"<int>7</int>", value)
    with pytest.raises(Malformed):
        Changelog("x", Server(body)).since(5)


@given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda more: response([ROW])[:-10] + more))
def test_whatever_is_answered_ends_as_malformed_or_a_value(body):
    with suppress(Malformed):
        parse_answer(body)


@given(st.integers(0, 400), st.integers(1, 255))
def test_one_byte_changed(at, by):
    body = bytearray(response([ROW]))
    body[at % len(body)] ^= by
    with suppress(Malformed):
        told = Changelog("x", Server(bytes(body))).since(5)
        assert told.serial >= 5


def test_another_status():
    with pytest.raises(FetchFailed):
        Changelog("x", Server(response(7), status=503)).last()


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_pages_are_asked_for_when_the_changelog_names_them(tmp_path, monkeypatch):
    monkeypatch.setattr("rebuilders.node.feed.feed._REST", 300.0)
    rows = []

    def post(_, url, data, *, limit, kind=""):
        _, method = xmlrpc.client.loads(data)
        return Answer(200, response(5 if method == "changelog_last_serial" else rows))

    monkeypatch.setattr("witness.fetch.HttpFetcher.post", post)
    with world(tmp_path, 'projects = ["demo", "quiet"]\nchangelog = "https://index.example/pypi"') as made:
        for name in ("demo", "quiet"):
            made.publish(name, at=START - 400 * DAY)
        made.run(DAY)
        made.index.answered.clear()
        made.run(DAY)
        assert made.requests() == []
        made.publish("demo", wheel("demo", "2.0"))
        rows.append(["demo", "2.0", 0, "add py3 file", 6])
        rows.append(["unknown", "2.0", 0, "add py3 file", 7])
        made.run(HOUR)
        assert made.queued()[wheel("demo", "2.0")] == "new"
        assert {path for path, _ in made.index.answered} == {"/simple/demo/"}
