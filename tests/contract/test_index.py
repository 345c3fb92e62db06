"""What every IndexSource promises (rebuilders.index.interface), held against each of them."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from packaging.version import Version

from rebuilders.index.cached import CachedIndex
from rebuilders.index.directory import DirectoryIndex
from rebuilders.index.interface import IndexFile
from rebuilders.index.simple import SimpleIndex, parse_project
from tests.sdists import sdist_of
from tests.wheels import wheel_of
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Incomplete, NotFound
from witness.fetch import Fetched

BASE = "https://index.example/simple/"
FILES = "https://files.example/"
WHEEL, SDIST, NATIVE = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz", "demo-1.0-cp311-cp311-win32.whl"
HELD = {
    WHEEL: wheel_of(),
    SDIST: sdist_of(),
    NATIVE: b"native",
    "demo-2.0.zip": b"zip",
    "demo-2.0.tar.gz": b"tar",
}
UPLOADED = "2024-06-01T12:00:00.123456Z"


def row(filename, data, **changes):
    value = {
        "filename": filename,
        "url": FILES + filename,
        "hashes": {"sha256": sha256_hex(data)},
        "size": len(data),
        "upload-time": UPLOADED,
        "yanked": False,
    }
    return {**value, **changes}


def page(*rows, **changes):
    meta = {"api-version": "1.4", "_last-serial": 7}
    return {"meta": meta, "name": "demo", "files": rows, "versions": ["1.0"], **changes}


@dataclass
class Site:
    """A `Fetcher` over bytes by address, which counts what it is asked."""

    bodies: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def get(self, url, *, limit, accept="*/*"):
        self.asked.append(url)
        if url not in self.bodies:
            raise NotFound(f"{url}: 404")
        body = self.bodies[url]
        if len(body) > limit:
            raise FetchFailed(f"{url}: more than the {limit} bytes allowed")
        return Fetched(body, {})

    def download(self, url, into, *, limit):
        into.write(self.get(url, limit=limit).body)


def site(value=None):
    value = page(*(row(name, data) for name, data in HELD.items())) if value is None else value
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Site({f"{BASE}demo/": body, **{FILES + name: data for name, data in HELD.items()}})


@pytest.fixture(params=["simple", "directory", "cached", "warm"])
def index(request, tmp_path):
    if request.param == "directory":
        for name, data in {**HELD, "other-1.0.tar.gz": b"other", "README": b"hello"}.items():
            (tmp_path / name).write_bytes(data)
        return DirectoryIndex(tmp_path)
    source = SimpleIndex(BASE, site())
    if request.param == "simple":
        return source
    cached = CachedIndex(source, tmp_path, BASE)
    if request.param == "warm":
        for file in cached.project("demo").files:
            cached.fetch(file)
        source.fetcher.bodies.clear()
    return cached


class TestEveryIndex:
    def test_lists_the_files_of_a_project(self, index):
        project = index.project("demo")
        assert project.name == "demo"
        assert {file.filename: (file.sha256, file.size) for file in project.files} == {
            name: (sha256_hex(data), len(data)) for name, data in HELD.items()
        }
        assert project.status == "active"

    def test_gives_their_bytes(self, index):
        for file in index.project("demo").files:
            assert index.fetch(file) == HELD[file.filename]

    def test_has_no_other_project(self, index):
        with pytest.raises(NotFound):
            index.project("absent")

    def test_gives_no_other_bytes(self, index):
        file = index.project("demo").file(WHEEL)
        with pytest.raises(FetchFailed):
            index.fetch(replace(file, sha256="0" * 64))

    def test_has_no_other_file(self, index):
        gone = IndexFile("gone-1.0.tar.gz", FILES + "gone-1.0.tar.gz", "0" * 64)
        with pytest.raises(NotFound):
            index.fetch(gone)

    def test_finds_what_belongs_to_a_release(self, index):
        project = index.project("demo")
        assert [file.filename for file in project.wheels(Version("1.0"))] == [WHEEL, NATIVE]
        assert project.sdist(Version("1")).filename == SDIST
        assert project.sdist(Version("2.0")).filename == "demo-2.0.tar.gz"
        assert project.sdist(Version("3.0")) is None
        assert project.wheels(Version("2.0")) == ()
        assert project.file("demo-9.whl") is None


def listed(value):
    return SimpleIndex(BASE, site(value)).project("demo")


def test_what_the_simple_api_tells():
    told = {"yanked": "broken", "provenance": "https://index.example/p"}
    project = listed(page(row(WHEEL, HELD[WHEEL], **told)))
    (file,) = project.files
    assert file.upload_time == datetime(2024, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert (file.yanked, file.provenance_url, project.serial) == (True, "https://index.example/p", 7)


@pytest.mark.parametrize(
    ("status", "expected"),
    [({"status": "quarantined"}, "quarantined"), ({"status": "archived"}, "archived"), ({}, "active")],
)
def test_project_status(status, expected):
    assert listed(page(**{"project-status": status})).status == expected


def test_a_file_without_sha256_cannot_be_checked():
    rows = [
        row(WHEEL, b"x", hashes={}),
        row(SDIST, b"x", hashes={"md5": "0" * 32}),
        row(NATIVE, b"x", hashes={"sha256": "../x"}),
    ]
    assert listed(page(*rows)).files == ()


def test_files_of_other_projects_are_not_of_the_release():
    project = listed(page(row("evil-1.0-py3-none-any.whl", b"x"), row("evil-1.0.tar.gz", b"x")))
    assert len(project.files) == 2
    assert project.wheels(Version("1.0")) == ()
    assert project.sdist(Version("1.0")) is None


def test_a_time_without_zone_is_utc():
    (file,) = listed(page(row(WHEEL, b"x", **{"upload-time": "2024-06-01T12:00:00"}))).files
    assert file.upload_time in (None, datetime(2024, 6, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    "body",
    [b"", b"<!DOCTYPE html><html></html>", b"[]", b"null", b"{}",
     b'{"meta":{"api-version":"9.0"},"name":"demo","files":[]}',
     json.dumps(page(files=5)).encode(), json.dumps(page({"filename": WHEEL})).encode(), json.dumps(page(5)).encode(),
     json.dumps(page(row(WHEEL, b"x", url="http://["))).encode(), b"[" * 9000, b"\xff",
     json.dumps(page(row(WHEEL, b"x", **{"upload-time": "yesterday"}))).encode()],
)  # fmt: skip
def test_answers_that_are_no_page(body):
    with pytest.raises(FetchFailed, match="not a project's page in JSON") as caught:
        parse_project(body, f"{BASE}demo/")
    assert str(caught.value).isprintable()


def test_a_newer_minor_version_is_read_in_silence():
    body = json.dumps(page(row(WHEEL, b"x"), meta={"api-version": "1.99"})).encode()
    assert [file.filename for file in parse_project(body, f"{BASE}demo/").files] == [WHEEL]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "http://files.example/x"}, "not https"),
        ({"url": "file:///etc/passwd"}, "not https"),
        ({"url": "ftp://files.example/x"}, "not https"),
        ({"size": 600 * 1024 * 1024}, "more than the"),
        ({"size": 3}, "more than the 3 bytes"),
        ({"hashes": {"sha256": "0" * 64}}, "other bytes than the sha256 that it lists"),
    ],
)
def test_files_that_are_not_taken(changes, message):
    source = SimpleIndex(BASE, site(page(row(WHEEL, HELD[WHEEL], **changes))))
    (file,) = source.project("demo").files
    with pytest.raises(FetchFailed, match=message):
        source.fetch(file)


def test_an_address_that_is_none():
    with pytest.raises(FetchFailed, match="not https"):
        SimpleIndex(BASE, site()).fetch(IndexFile(WHEEL, "http://[", "0" * 64))


def test_an_index_without_https_may_name_files_as_itself():
    fetcher = Site({"http://localhost.example/x": HELD[WHEEL]})
    file = IndexFile(WHEEL, "http://localhost.example/x", sha256_hex(HELD[WHEEL]))
    assert SimpleIndex("http://localhost.example/simple/", fetcher).fetch(file) == HELD[WHEEL]


class TestCache:
    @pytest.fixture
    def cached(self, tmp_path):
        return CachedIndex(SimpleIndex(BASE, site()), tmp_path, BASE)

    def test_asks_once(self, cached):
        for _ in range(3):
            cached.fetch(cached.project("demo").files[0])
        assert len(cached.source.fetcher.asked) == 2

    def test_what_it_kept_is_what_it_got(self, cached):
        assert cached.project("demo") == cached.project("demo") == cached.source.project("demo")

    def test_pages_grow_old(self, cached):
        old = replace(cached, page_seconds=0.0)
        old.project("demo")
        old.project("demo")
        assert len(cached.source.fetcher.asked) == 2

    def test_pages_from_the_future_are_not_kept(self, cached, tmp_path):
        import os

        cached.project("demo")
        (path,) = (tmp_path / "pages").iterdir()
        then = (datetime.now(UTC) + timedelta(days=9)).timestamp()
        os.utime(path, (then, then))
        cached.project("demo")
        assert len(cached.source.fetcher.asked) == 2

    @pytest.mark.parametrize(
        "damage", [b"", b"{", b"[]", b"5", b"{}", b'{"files":5}', b'{"files":[[1]]}', b"\xff"]
    )
    def test_damage_is_repaired(self, cached, tmp_path, damage):
        wanted = cached.project("demo")
        file = wanted.file(WHEEL)
        cached.fetch(file)
        for path in tmp_path.rglob("*"):
            if path.is_file():
                path.write_bytes(damage)
        assert cached.project("demo") == wanted
        assert cached.fetch(file) == HELD[WHEEL]
        asked = len(cached.source.fetcher.asked)
        assert cached.project("demo") == wanted
        assert cached.fetch(file) == HELD[WHEEL]
        assert len(cached.source.fetcher.asked) == asked

    def test_indexes_are_kept_apart(self, cached, tmp_path):
        cached.project("demo")
        other = CachedIndex(
            SimpleIndex("https://other.example/", Site({})), tmp_path, "https://other.example/"
        )
        with pytest.raises(NotFound):
            other.project("demo")

    def test_failures_are_not_kept(self, cached):
        bodies = dict(cached.source.fetcher.bodies)
        cached.source.fetcher.bodies.clear()
        with pytest.raises(Incomplete):
            cached.project("demo")
        cached.source.fetcher.bodies.update(bodies)
        assert cached.project("demo").files
