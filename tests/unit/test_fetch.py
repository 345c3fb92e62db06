"""Whatever a server does ends as the bytes asked for or as FetchFailed."""

import io
import time

import httpx
import pytest

from witness import fetch
from witness.errors import FetchFailed, NotFound
from witness.fetch import HttpFetcher, shown, user_agent

URL = "https://user:secret@files.example/a/demo.whl?token=hidden"


class Broken(httpx.SyncByteStream):
    def __init__(self, *chunks, error=None):
        self.chunks, self.error = chunks, error

    def __iter__(self):
        yield from self.chunks
        if self.error:
            raise self.error


@pytest.fixture
def serve():
    """A fetcher for a server that gives one answer after the other, the last of them for ever."""
    made = []

    def start(*answers, **options):
        asked = []

        def answer(request):
            asked.append(request)
            found = answers[min(len(asked), len(answers)) - 1]
            if isinstance(found, Exception):
                raise found
            return found(request) if callable(found) else found

        fetcher = HttpFetcher(**options, sleep=lambda _: None)
        fetcher._client = httpx.Client(
            transport=httpx.MockTransport(answer), follow_redirects=True, max_redirects=5
        )
        made.append(fetcher)
        return fetcher, asked

    yield start
    for fetcher in made:
        fetcher.close()


def test_a_body(serve):
    fetcher, asked = serve(httpx.Response(200, content=b"12345", headers={"X-Serial": "7"}))
    fetched = fetcher.get(URL, limit=5, accept="text/plain")
    assert (fetched.body, fetched.headers["x-serial"]) == (b"12345", "7")
    assert asked[0].headers["accept"] == "text/plain"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_faults_are_tried_again(serve, status):
    fetcher, asked = serve(lambda _: httpx.Response(status), lambda _: httpx.Response(200, content=b"ok"))
    assert fetcher.get(URL, limit=5).body == b"ok"
    assert len(asked) == 2


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("x")]
)
def test_a_connection_that_fails_is_tried_again(serve, error):
    fetcher, asked = serve(error, lambda _: httpx.Response(200, content=b"ok"))
    assert fetcher.get(URL, limit=5).body == b"ok"
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("said", "tries", "after"),
    [
        ("3", 3, 3.0),
        ("120", 1, 120.0),
        ("999999999999999999999", 1, 86_400.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 3, 0.0),
        ("Wed, 21 Oct 2090 07:28:00 GMT", 1, 86_400.0),
        ("Wed, 21 Oct 99999999 07:28:00 GMT", 3, 0.0),
        ("-5", 3, 0.0),
        ("1e9", 3, 0.0),
        ("٣", 3, 0.0),
        ("", 3, 0.0),
    ],
)
def test_a_server_that_wants_to_be_left_alone_is(serve, said, tries, after):
    headers = {"Retry-After": said.encode()}
    fetcher, asked = serve(lambda _: httpx.Response(503, headers=headers))
    slept = []
    fetcher.sleep = slept.append
    with pytest.raises(FetchFailed) as raised:
        fetcher.get(URL, limit=5)
    assert (len(asked), raised.value.after) == (tries, after)
    assert all(seconds >= after for seconds in slept)


def test_what_is_sent_says_what_it_is(serve):
    fetcher, asked = serve(lambda _: httpx.Response(200, content=b"ok"))
    fetcher.post(URL, b"<x/>", limit=5, kind="text/xml")
    fetcher.post(URL, b"x", limit=5)
    assert [request.headers.get("content-type") for request in asked] == ["text/xml", None]


def test_a_body_that_breaks_off_starts_over(serve):
    def cut(_):
        return httpx.Response(200, stream=Broken(b"12", error=httpx.ReadError("gone")))

    fetcher, _ = serve(cut, lambda _: httpx.Response(200, content=b"12345"))
    assert fetcher.get(URL, limit=5).body == b"12345"
    fetcher, _ = serve(cut, lambda _: httpx.Response(200, content=b"67"))
    into = io.BytesIO(b"kept")
    into.seek(4)
    fetcher.download(URL, into, limit=5)
    assert into.getvalue() == b"kept67"


def test_in_the_end_it_is_given_up(serve):
    fetcher, asked = serve(lambda _: httpx.Response(503), attempts=3)
    with pytest.raises(FetchFailed, match="the server answered 503"):
        fetcher.get(URL, limit=5)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (410, NotFound), (403, FetchFailed), (204, FetchFailed)]
)
def test_answers_that_will_not_change(serve, status, kind):
    fetcher, asked = serve(lambda _: httpx.Response(status))
    with pytest.raises(kind) as caught:
        fetcher.get(URL, limit=5)
    assert type(caught.value) is kind
    assert len(asked) == 1


def test_too_large(serve):
    chunks = []

    def endless():
        for _ in range(10_000):
            chunks.append(1)
            yield bytes(64 * 1024)

    fetcher, asked = serve(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(FetchFailed, match="more than the 200000 bytes allowed"):
        fetcher.get(URL, limit=200_000)
    assert len(chunks) < 10
    assert len(asked) == 1


def test_too_large_when_unpacked(serve):
    import gzip

    body = gzip.compress(bytes(1 << 20))
    fetcher, _ = serve(httpx.Response(200, content=body, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(FetchFailed, match="more than the 2000 bytes"):
        fetcher.get(URL, limit=2000)


def test_the_time_for_everything_is_over(serve):
    fetcher, asked = serve(httpx.Response(200, content=b"x"), expires=time.monotonic() - 1)
    with pytest.raises(FetchFailed, match="the time allowed"):
        fetcher.get(URL, limit=5)
    assert asked == []


def test_a_trickle_ends_with_the_time(serve):
    def trickle():
        for _ in range(100):
            yield b"x" * 70_000
            fetcher.expires = time.monotonic() - 1

    fetcher, _ = serve(lambda _: httpx.Response(200, content=trickle()))
    with pytest.raises(FetchFailed, match="the time allowed"):
        fetcher.get(URL, limit=1 << 30)


@pytest.mark.parametrize(
    "url",
    ["", "nothing", "ftp://files.example/x", "file:///etc/passwd", "https://files.example:port/",
     "https://a\x1b]0;t\x07.example/", "http://"],
)  # fmt: skip
def test_addresses_that_are_none(url):
    fetcher = HttpFetcher(attempts=1)
    with pytest.raises(FetchFailed) as caught:
        fetcher.get(url, limit=5)
    fetcher.close()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "answer",
    [lambda _: httpx.Response(302, headers={"Location": "https://files.example/again"}),
     lambda _: httpx.Response(302, headers={"Location": "http://["}),
     lambda _: httpx.Response(302, headers={"Location": "file:///etc/passwd"}),
     lambda _: httpx.Response(500), lambda _: httpx.Response(404), lambda _: httpx.Response(200, content=b"123456")],
)  # fmt: skip
def test_no_message_tells_a_secret(serve, answer):
    fetcher, _ = serve(answer, attempts=2)
    with pytest.raises(FetchFailed) as caught:
        fetcher.get(URL, limit=5)
    assert "https://files.example/a/demo.whl" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("secret", "user", "hidden"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, "https://files.example/a/demo.whl"),
        ("https://files.example/\x1b[2J", "https://files.example/\\x1b[2J"),
        ("http://[", "an address that is none"),
        ("user:secret@files.example/x", "user://files.example/x"),
    ],
)
def test_shown(url, expected):
    assert shown(url) == expected


@pytest.mark.parametrize(
    ("contact", "told"),
    [
        ("ops@node.example", "ops@node.example"),
        ("", "none given"),
        ("é", "none given"),
        ("a\r\nX: b", "none given"),
    ],
)
def test_user_agent(contact, told):
    assert user_agent(contact).endswith(f"(contact: {told})")


@pytest.mark.parametrize(
    ("hops", "leads_away"),
    [
        (["https://a.example/"], False),
        (["https://a.example/", "https://b.example/"], False),
        (["https://a.example/", "http://b.example/"], True),
        (["https://a.example/", "http://b.example/", "https://c.example/"], True),
        (["http://a.example/", "http://b.example/"], False),
        (["http://a.example/", "https://b.example/"], False),
    ],
)
def test_what_begins_with_https_stays_with_it(hops, leads_away):
    *before, last = [httpx.Response(200, request=httpx.Request("GET", hop)) for hop in hops]
    last.history = before
    if leads_away:
        with pytest.raises(FetchFailed, match="leads away from https"):
            fetch._check_status(last, hops[0])
    else:
        fetch._check_status(last, hops[0])


def test_what_has_not_changed_is_not_sent_again(serve):
    fetcher, asked = serve(
        httpx.Response(200, content=b"12345", headers={"ETag": '"a"'}),
        httpx.Response(304),
        httpx.Response(200),
    )
    first = fetcher.get_unless("https://files.example/a", "", limit=5, accept="text/html")
    assert (first.body, first.headers["etag"], first.url) == (b"12345", '"a"', "https://files.example/a")
    assert fetcher.get_unless("https://files.example/a", '"a"', limit=5, accept="text/html") is None
    assert fetcher.get_unless("https://files.example/a", '"a"', limit=5, accept="text/html").body == b""
    assert [request.headers.get("If-None-Match") for request in asked] == [None, '"a"', '"a"']


def test_an_answer_that_nothing_has_changed_is_none_to_who_did_not_ask(serve):
    fetcher, _ = serve(httpx.Response(304))
    with pytest.raises(FetchFailed, match="answered 304"):
        fetcher.get("https://files.example/a", limit=5)
    with pytest.raises(FetchFailed, match="answered 304"):
        fetcher.get_unless("https://files.example/a", "", limit=5, accept="*/*")
