"""What every RebuildSource promises (witness.sources.rebuilds), held against each of them."""

from collections.abc import Iterator

import pytest

from tests.rebuild_service import WHEEL, Service
from tests.static_site import serving
from witness.digest import sha256_hex
from witness.errors import FetchFailed, NotFound
from witness.fetch import HttpFetcher
from witness.limits import MAX_REBUILD_BUNDLE
from witness.sources.rebuilds import DirectoryRebuilds, HttpRebuilds, NotAsked, path_of

SHA = sha256_hex(b"the published wheel")
LOCAL = "demo_package-1!2.0+local.1-py3-none-any.whl"
SERVICE = Service()


@pytest.fixture
def bucket(tmp_path):
    (tmp_path / "bucket").mkdir()
    for filename in (WHEEL, LOCAL):
        SERVICE.publish(tmp_path / "bucket", SHA, filename)
    return tmp_path / "bucket"


@pytest.fixture
def served(bucket) -> Iterator[str]:
    with serving(bucket.parent) as found:
        yield f"{found.url}bucket"


@pytest.fixture(
    params=["directory", pytest.param("http", marks=[pytest.mark.loopback, pytest.mark.enable_socket])]
)
def source(request, bucket):
    if request.param == "directory":
        yield DirectoryRebuilds(bucket)
        return
    fetcher = HttpFetcher(attempts=1, timeout=5)
    yield HttpRebuilds(request.getfixturevalue("served"), fetcher)
    fetcher.close()


class TestEverySource:
    @pytest.mark.parametrize("filename", [WHEEL, LOCAL])
    def test_gives_the_bundle_of_a_file(self, source, bucket, filename):
        assert source.bundle(filename) == bucket.joinpath(*path_of(filename)).read_bytes()

    def test_says_that_it_has_nothing(self, source):
        with pytest.raises(NotFound, match="says nothing"):
            source.bundle("demo-9.0-py3-none-any.whl")

    @pytest.mark.parametrize(
        "name", ["demo-1.0.tar.gz", "../../etc/passwd", "", "demo-1.0-py3-none-any.whl/x"]
    )
    def test_asks_about_wheels_alone(self, source, name):
        with pytest.raises(NotFound, match="wheels alone"):
            source.bundle(name)

    def test_gives_no_more_than_is_allowed(self, source, bucket):
        path = bucket.joinpath(*path_of(WHEEL))
        path.write_bytes(b" " * (MAX_REBUILD_BUNDLE + 1))
        with pytest.raises(FetchFailed) as caught:
            source.bundle(WHEEL)
        assert not isinstance(caught.value, NotFound)


def test_a_directory_that_is_not_there_is_out_of_reach(tmp_path):
    with pytest.raises(FetchFailed) as caught:
        DirectoryRebuilds(tmp_path / "gone").bundle(WHEEL)
    assert not isinstance(caught.value, NotFound)


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_a_site_that_is_not_there_is_out_of_reach():
    fetcher = HttpFetcher(attempts=1, timeout=1)
    with pytest.raises(FetchFailed) as caught:
        HttpRebuilds("http://127.0.0.1:9/", fetcher).bundle(WHEEL)
    assert not isinstance(caught.value, NotFound)
    fetcher.close()


def test_nobody_is_asked_for_a_reason():
    with pytest.raises(NotFound, match="no network here"):
        NotAsked("no network here").bundle(WHEEL)


def test_the_layout():
    assert path_of(LOCAL) == ("pypi", "demo-package", "1!2.0+local.1", LOCAL, "rebuild.intoto.jsonl")
