"""What every ObservationSource and KeyEventSource promises (witness.sources.interface), held against each of them."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, NOW, SHA, policy, stated
from tests.keyed_log import FIRST, SECOND, revocation, rotation, sealed
from tests.static_site import serving
from witness import bundle, keyevent, lookup
from witness.client import Client
from witness.digest import sha256_hex
from witness.errors import FetchFailed, InputError, Malformed, NotFound
from witness.evidence import Artifact
from witness.fetch import Fetched, HttpFetcher
from witness.limits import MAX_BUNDLE, MAX_KEYS, MAX_LOOKUP, MAX_SHARD
from witness.publish import publish_event
from witness.sources.bundle import BundleSource, read_bundles
from witness.sources.directory import DirectorySource
from witness.sources.http import HttpSource, PrefixSource
from witness.sources.interface import bundle_of
from witness.store.directory import DirectoryStore

OTHER = sha256_hex(b"another wheel")
URL = "https://alpha.example"


@dataclass
class FakeFetcher:
    """A `Fetcher` over the files of a site."""

    root: Path
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def get(self, url, *, limit, accept="*/*"):
        self.asked.append(url)
        if self.down:
            raise FetchFailed(f"{url}: no answer")
        path = self.root / url.removeprefix(f"{URL}/")
        if not path.is_file():
            raise NotFound(f"{url}: 404")
        body = path.read_bytes()
        if len(body) > limit:
            raise FetchFailed(f"{url}: more than the {limit} bytes allowed")
        return Fetched(body, {})

    def download(self, url, into, *, limit):
        into.write(self.get(url, limit=limit).body)


@pytest.fixture
def site(tmp_path):
    site = ALPHA.publish(tmp_path, [stated(ALPHA, "mismatch"), stated(ALPHA), stated(ALPHA, sha256=OTHER)])
    for event in (rotation(FIRST, SECOND), revocation(FIRST, 2)):
        publish_event(
            tmp_path / "alpha-outbox",
            DirectoryStore(site),
            tmp_path / "alpha-state",
            ALPHA.signers,
            lambda _, event=event: sealed(event, FIRST),
            now=NOW,
        )
    return site


@pytest.fixture
def served(site) -> Iterator[str]:
    with serving(site) as found:
        yield found.url


@pytest.fixture
def fetcher():
    made = HttpFetcher(attempts=1, timeout=5)
    yield made
    made.close()


@pytest.fixture(
    params=[
        "fake-http",
        "directory",
        "bundles",
        "fake-prefix",
        pytest.param("http", marks=[pytest.mark.loopback, pytest.mark.enable_socket]),
        pytest.param("prefix", marks=[pytest.mark.loopback, pytest.mark.enable_socket]),
    ]
)
def source(request, site, tmp_path):
    match request.param:
        case "fake-http":
            return HttpSource(URL, FakeFetcher(site))
        case "fake-prefix":
            return PrefixSource(URL, FakeFetcher(site))
        case "directory":
            return DirectorySource(site)
        case "prefix":
            return PrefixSource(request.getfixturevalue("served"), request.getfixturevalue("fetcher"))
        case "http":
            return HttpSource(request.getfixturevalue("served"), request.getfixturevalue("fetcher"))
    # Of two nodes in one file, as a user may have put it together.
    beta = BETA.publish(tmp_path, [stated(BETA)])
    shards = sorted(
        [site / "keys.jsonl", *site.glob("observations/*/*.jsonl"), *beta.glob("observations/*/*.jsonl")]
    )
    (tmp_path / "evidence.jsonl").write_bytes(b"".join(path.read_bytes() for path in shards))
    return BundleSource(read_bundles([tmp_path / "evidence.jsonl"]), ALPHA.identity.log_key.name)


class TestEverySource:
    def test_gives_the_lines_of_one_artifact_in_the_order_of_publication(self, source):
        parsed = [bundle.parse(line) for line in source.lines(SHA)]
        assert len(parsed) == 2
        assert [item.proof.index for item in parsed] == sorted(item.proof.index for item in parsed)

    def test_gives_bundles_that_are_those_of_its_lines(self, source):
        lines = source.lines(SHA)
        assert [bundle_of(line) for line in lines] == [bundle.parse(bytes(line)) for line in lines]

    def test_keeps_artifacts_apart(self, source):
        (line,) = source.lines(OTHER)
        assert line not in source.lines(SHA)

    def test_says_that_it_has_nothing(self, source):
        with pytest.raises(NotFound):
            source.lines(sha256_hex(b"never seen"))

    @pytest.mark.parametrize("text", ["", "../../etc", "A" * 64, "a" * 63])
    def test_takes_nothing_but_a_digest(self, source, text):
        with pytest.raises(Malformed):
            source.lines(text)

    def test_gives_key_events_in_their_order(self, source):
        parsed = [bundle.parse(line) for line in source.key_events()]
        assert [item.proof.index for item in parsed] == [3, 4]
        assert all(keyevent.is_event(item.entry) for item in parsed)


def _shard(site: Path) -> Path:
    return site / "observations" / SHA[:2] / f"{SHA}.jsonl"


@pytest.fixture(params=["fake-http", "directory"])
def remote(request, site):
    return HttpSource(f"{URL}/", FakeFetcher(site)) if request.param == "fake-http" else DirectorySource(site)


@pytest.mark.parametrize(
    "content", [b"x" * (MAX_BUNDLE + 1), b"{}\n" * (MAX_SHARD // 3 + 1)], ids=["line", "shard"]
)
def test_what_is_too_large_is_not_taken(remote, site, content):
    _shard(site).write_bytes(content)
    with pytest.raises(FetchFailed) as caught:
        remote.lines(SHA)
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize("times", [1, 16, 17, 100])
def test_shards_of_any_length_come_whole(remote, site, times):
    line = _shard(site).read_bytes().split(b"\n")[0].ljust(4095)
    _shard(site).write_bytes((line + b"\n") * times)
    assert remote.lines(SHA) == (line,) * times


def test_an_empty_shard_is_nothing(remote, site):
    _shard(site).write_bytes(b"\n")
    with pytest.raises(NotFound):
        remote.lines(SHA)


def test_a_site_that_is_down_is_not_one_that_has_nothing(tmp_path):
    down = FakeFetcher(tmp_path, down=True)
    for source in (
        HttpSource(URL, down),
        PrefixSource(URL, down, HttpSource(URL, down)),
        DirectorySource(tmp_path / "gone"),
    ):
        with pytest.raises(FetchFailed) as caught:
            source.lines(SHA)
        assert not isinstance(caught.value, NotFound)


def test_one_question_is_one_request(site):
    fetcher = FakeFetcher(site)
    HttpSource(URL, fetcher).lines(SHA)
    assert fetcher.asked == [f"{URL}/observations/{SHA[:2]}/{SHA}.jsonl"]


WIDTH = f"{URL}/lookup/width.json"


def widen(site: Path, bits: int) -> None:
    """The site's lookup files at another width, as its publisher would have them for a larger log."""
    held = lookup.parse((site / "lookup/0/0000").read_bytes(), 0, "0000")
    for prefix in lookup.prefixes(bits):
        path = site / lookup.path_of(bits, prefix)
        path.parent.mkdir(exist_ok=True)
        lines = {sha256: lines for sha256, lines in held.items() if lookup.prefix_of(sha256, bits) == prefix}
        path.write_bytes(lookup.encode(bits, prefix, lines))
    (site / "lookup/width.json").write_bytes(lookup.encode_width(bits))


class TestByPrefix:
    def test_the_site_learns_no_digest_and_is_asked_once_for_a_prefix(self, site):
        fetcher = FakeFetcher(site)
        source = PrefixSource(URL, fetcher)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(source.lines, [SHA, OTHER] * 8))
        assert {len(lines) for lines in answers} == {1, 2}
        assert sorted(fetcher.asked) == [f"{URL}/lookup/0/0000", WIDTH]

    def test_a_check_of_several_artifacts(self, site):
        widen(site, 1)
        wanted = [sha256_hex(b"%d" % number) for number in range(40)]
        fetcher = FakeFetcher(site)
        source = PrefixSource(URL, fetcher)
        found = Client(policy(ALPHA, threshold=1), {"alpha": source}).gather(
            [Artifact(item) for item in (SHA, OTHER, *wanted)]
        )
        assert [len(item.observations) for item in found] == [2, 1] + [0] * 40
        assert [item.rejected for item in found] == [()] * 42
        assert sorted(fetcher.asked) == [f"{URL}/lookup/1/0000", f"{URL}/lookup/1/8000", WIDTH]

    def test_a_file_is_forgotten_before_there_are_too_many(self, site):
        widen(site, 4)
        fetcher = FakeFetcher(site)
        source = PrefixSource(URL, fetcher)
        for first in "0123456789abcdef0":
            with suppress(NotFound):
                source.lines(first + "0" * 63)
        assert fetcher.asked.count(f"{URL}/lookup/4/0000") == 2

    def test_the_log_outgrows_the_width_meanwhile(self, site):
        fetcher = FakeFetcher(site)
        source = PrefixSource(URL, fetcher)
        with pytest.raises(NotFound):
            source.lines("0" * 63 + "1")  # the width is known from here on
        source._files.clear()
        widen(site, 4)
        (site / "lookup/0/0000").unlink()
        assert len(source.lines(SHA)) == 2
        assert len(source.lines(OTHER)) == 1
        assert fetcher.asked.count(WIDTH) == 2

    def test_a_file_that_is_not_there_is_not_an_answer(self, site):
        (site / "lookup/0/0000").unlink()
        with pytest.raises(FetchFailed, match="though the site says") as caught:
            PrefixSource(URL, FakeFetcher(site)).lines(SHA)
        assert not isinstance(caught.value, NotFound)

    @pytest.mark.parametrize(
        ("path", "data", "message"),
        [
            ("lookup/width.json", b'{"bits":17,"schema":"lookup/1"}', "0 to 16"),
            ("lookup/width.json", b'{"bits":64,"schema":"lookup/1"}', "0 to 16"),
            ("lookup/width.json", b"{}", "not of the form"),
            ("lookup/0/0000", b"wheelwitness-lookup-v1 0 0000 full\n", "more about the prefix"),
            ("lookup/0/0000", b"wheelwitness-lookup-v1 0 0000 7\n", "not the whole file"),
            ("lookup/0/0000", b"", "not the whole file"),
            ("lookup/0/0000", b"x" * (MAX_LOOKUP + 1), "bytes allowed"),
        ],
    )
    def test_what_is_not_as_it_should_be(self, site, path, data, message):
        (site / path).write_bytes(data)
        fetcher = FakeFetcher(site)
        with pytest.raises(FetchFailed, match=message) as caught:
            PrefixSource(URL, fetcher, HttpSource(URL, fetcher)).lines(SHA)
        assert not isinstance(caught.value, NotFound)
        assert not any("observations" in url for url in fetcher.asked)

    def test_whole_digests_are_told_only_where_that_is_allowed(self, site):
        shutil.rmtree(site / "lookup")
        fetcher = FakeFetcher(site)
        with pytest.raises(FetchFailed, match="prefix-or-exact") as caught:
            PrefixSource(URL, fetcher).lines(SHA)
        assert not isinstance(caught.value, NotFound)
        assert fetcher.asked == [WIDTH]
        assert len(PrefixSource(URL, fetcher, HttpSource(URL, fetcher)).lines(SHA)) == 2

    def test_a_line_under_another_digest_is_refused_when_it_is_verified(self, site):
        lines = lookup.parse((site / "lookup/0/0000").read_bytes(), 0, "0000")
        swapped = {SHA: lines[OTHER]}
        (site / "lookup/0/0000").write_bytes(lookup.encode(0, "0000", swapped))
        source = PrefixSource(URL, FakeFetcher(site))
        (found,) = Client(policy(ALPHA, threshold=1), {"alpha": source}).gather([Artifact(SHA)])
        assert found.observations == ()
        assert [item.bad for item in found.rejected] == [True]


def test_bundle_files_that_cannot_be_used(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"{}\n")
    with pytest.raises(InputError, match=r"broken\.jsonl: bundle 1: "):
        read_bundles([broken])
    with pytest.raises(InputError, match=r"missing\.jsonl"):
        read_bundles([tmp_path / "missing.jsonl"])


@pytest.mark.parametrize(
    "content", [b"x" * (MAX_BUNDLE + 1), b"{}\n" * (MAX_KEYS // 3 + 1)], ids=["line", "file"]
)
def test_too_many_key_events_are_not_taken(remote, site, content):
    (site / "keys.jsonl").write_bytes(content)
    with pytest.raises(FetchFailed) as caught:
        remote.key_events()
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize("content", [None, b"", b"\n\n"])
def test_a_site_without_key_events_has_none(remote, site, content):
    path = site / "keys.jsonl"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(NotFound):
        remote.key_events()


def test_files_without_key_events_have_none(site):
    source = BundleSource(read_bundles([_shard(site)]), ALPHA.identity.log_key.name)
    with pytest.raises(NotFound):
        source.key_events()
