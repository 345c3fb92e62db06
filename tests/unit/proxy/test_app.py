"""The proxy as an application: caching, one maker at a time, failures, explanations; real nodes, an index in memory."""

import asyncio
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, stated, wheel
from tests.markup import HOSTILE, Elements
from witness import canonical, directory
from witness.config import load_policy
from witness.digest import sha256_hex
from witness.directories import Source
from witness.errors import FetchFailed, NotFound
from witness.fetch import Fetched, HttpFetcher
from witness.proxy import explain
from witness.proxy.app import Proxy
from witness.proxy.audit import AuditLog
from witness.proxy.choice import Rules
from witness.proxy.desk import MAX_WAITING, Desk
from witness.proxy.judge import Judge
from witness.proxy.metrics import Metrics
from witness.proxy.modes import Files, Sdists
from witness.proxy.negotiation import JSON
from witness.proxy.pages import Pages
from witness.proxy.upstream import Upstream
from witness.report.model import DEFAULT_FAIL_ON
from witness.snapshot import take
from witness.store.directory import DirectoryStore
from witness.wiring import open_client

GOOD = wheel()
BAD, BAD_NAME = wheel(b"VERSION = 2\n"), "demo-2.0-py3-none-any.whl"
TODAY = datetime(2026, 6, 1, tzinfo=UTC)
SECONDS = 60.0


def entry(name=WHEEL, data=GOOD, **more):
    return {
        "filename": name,
        "url": f"https://f.example/{name}",
        "hashes": {"sha256": sha256_hex(data)},
        **more,
    }


@dataclass
class Memory:
    """A `Revalidator` over pages in JSON. `asked` are pairs of URL and ETag; with `failure`, it is raised."""

    pages: dict[str, list] = field(default_factory=dict)
    asked: list = field(default_factory=list)
    failure: Exception | None = None
    gate: threading.Event | None = None
    raw: bytes | None = None
    media: str = JSON

    def get_unless(self, url, etag, *, limit, accept):
        self.asked.append((url, etag))
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.failure is not None:
            raise self.failure
        project = url.rstrip("/").rpartition("/")[2]
        if project not in self.pages:
            raise NotFound("no such thing")
        body = (
            self.raw
            or json.dumps(
                {"meta": {"api-version": "1.4"}, "name": project, "files": self.pages[project]}
            ).encode()
        )
        now = f'"{sha256_hex(body)}"'
        if etag == now:
            return None
        return Fetched(body, {"content-type": self.media, "etag": now, "x-pypi-last-serial": "7"}, url)


class World:
    """Two nodes, an index, a policy, and the application in front; `clock` in seconds."""

    def __init__(self, root: Path) -> None:
        self.root, self.clock, self.index, self.connected = root, 1000.0, Memory(), 0
        self.snapshot, self.today = None, TODAY
        self.policy = root / "policy.toml"
        self.policy.write_text(
            "version = 1\nthreshold = 2\n" + ALPHA.toml("alpha-site") + BETA.toml("beta-site"), "utf-8"
        )
        for node in (ALPHA, BETA):
            self.see(node, stated(node, sha256=sha256_hex(GOOD)))
            self.see(node, stated(node, "mismatch", sha256=sha256_hex(BAD), filename=BAD_NAME))
        self.index.pages["demo"] = [entry(), entry(BAD_NAME, BAD), entry("demo-1.0.tar.gz", b"sdist")]
        self.make()

    def see(self, node, *statements) -> None:
        node.publish(self.root, statements)

    def make(self, audit: Path | None = None, **rules) -> None:
        metrics = Metrics()
        self.judge = Judge(
            self.policy,
            load_policy,
            self.connect,
            seconds=SECONDS,
            clock=lambda: self.clock,
            today=lambda: self.today,
        )
        self.made = []
        self.audit = AuditLog(audit)
        pages = Pages(
            Upstream("https://user:secret@index.example/simple/", self.index),
            self.judge,
            Rules(**rules),
            Files.DIRECT,
            seconds=SECONDS,
            made=lambda offer: (self.audit.page(offer), self.made.append(offer), metrics.made(offer)),
            clock=lambda: self.clock,
            today=lambda: self.today,
        )
        self.app = Proxy(
            Desk(pages, metrics), self.judge, self.audit, metrics, lambda: self.clock
        ).application()

    def connect(self, loaded):
        self.connected += 1
        return open_client(loaded, state=self.root / "state", snapshot=self.snapshot)

    def get(self, path, accept=JSON, **headers):
        (answer,) = self.get_all([path], accept, **headers)
        return answer

    def get_all(self, paths, accept=JSON, **headers):
        async def ask():
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://proxy.example") as client:
                request = partial(client.get, headers={"Accept": accept, **headers})
                return await asyncio.gather(*(request(path) for path in paths))

        return asyncio.run(ask())

    def offered(self, path="/simple/demo/"):
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return [item["filename"] for item in answer.json()["files"]]


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.audit.close()


def test_a_page_has_what_is_accepted_and_says_how_long_it_is_good(world):
    answer = world.get("/simple/demo/")
    assert [item["filename"] for item in answer.json()["files"]] == [WHEEL]
    assert answer.json()["_wheelwitness"] == {"offered": 1, "hidden": 2, "explain": "../../explain/demo"}
    assert answer.headers["content-type"] == JSON
    assert answer.headers["cache-control"] == "max-age=60, must-revalidate"
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["x-pypi-last-serial"] == "7"
    assert (answer.headers["x-wheelwitness-offered"], answer.headers["x-wheelwitness-hidden"]) == ("1", "2")
    world.clock += 12.5
    assert world.get("/simple/demo/").headers["cache-control"] == "max-age=47, must-revalidate"
    assert (len(world.index.asked), world.connected) == (1, 1)


def test_an_etag_is_that_of_the_filtered_page_and_spares_it(world):
    etag = world.get("/simple/demo/").headers["etag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = world.get("/simple/demo/", **{"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert world.get("/simple/demo/", **{"If-None-Match": '"x"'}).status_code == 200
    world.see(BETA, stated(BETA, "mismatch", sha256=sha256_hex(GOOD), recipe="again"))
    world.clock += SECONDS
    answer = world.get("/simple/demo/", **{"If-None-Match": etag})
    assert (answer.status_code, answer.json()["files"]) == (200, [])
    assert [item[1] != "" for item in world.index.asked] == [False, True]


def test_a_changed_verdict_counts_when_the_page_has_run_out_and_not_a_second_later(world):
    assert world.offered() == [WHEEL]
    world.see(BETA, stated(BETA, "mismatch", sha256=sha256_hex(GOOD), recipe="again"))
    world.clock += SECONDS - 1
    assert world.offered() == [WHEEL]
    # Another form of the page is made anew from verdicts that are as old.
    assert "1 of 3" not in world.get("/simple/demo/", "text/html").text
    assert "max-age=1," in world.get("/simple/demo/", "text/html").headers["cache-control"]
    world.clock += 1
    assert world.offered() == []
    assert WHEEL + ": disputed" not in world.get("/simple/demo/").text
    assert f"{WHEEL}: divergent" in world.get("/simple/demo/", "text/html").text


def test_a_changed_policy_counts_at_once_and_a_broken_one_refuses_everything(world):
    assert world.offered() == [WHEEL]
    text = world.policy.read_text("utf-8")
    world.policy.write_text(text.replace("threshold = 2", "threshold = 1\nveto = 2"), "utf-8")
    assert world.offered() == [WHEEL]
    assert world.connected == 2
    world.policy.write_text(text.replace("threshold = 2", 'threshold = 2\naccept = ["archive"]'), "utf-8")
    assert world.offered() == []
    world.policy.write_text("nonsense", "utf-8")
    for path in ("/simple/demo/", "/files/demo/" + WHEEL, "/explain/demo", "/readyz"):
        answer = world.get(path)
        assert answer.status_code == 503
        assert "policy.toml" in answer.json()["detail"]
    assert world.get("/healthz").status_code == 200
    world.policy.write_text(text, "utf-8")
    assert world.offered() == [WHEEL]
    assert world.get("/readyz").status_code == 200


def test_a_directory_counts_as_it_is_once_pages_have_run_out_and_not_beyond_its_end(world):
    kept = DirectoryStore(world.root / "directories" / "net")

    def fetched(*members, days=1):
        kept.put("directory.json", directory.encode(directory.Directory(tuple(map(listed, members)))))
        source = Source(url="https://net.example/", expires=datetime.now(UTC) + timedelta(days=days))
        kept.put("source.json", canonical.dumps(source.wire()))

    def listed(node):
        key = node.identity.log_key.text
        keys = (node.identity.keys[0].text,)
        url = f"https://{node.name}.example/"
        return directory.Member(name=node.name, operator=node.operator, url=url, log_key=key, keys=keys)

    fetched(ALPHA, BETA)
    tables = "".join(
        f'\n[[witness]]\ndirectory = "net"\nname = "{node.name}"\noperator = "{node.operator}"\n'
        f'url = "{node.name}-site"\n'
        for node in (ALPHA, BETA)
    )
    world.policy.write_text(f"version = 1\nthreshold = 2\n{tables}", "utf-8")
    assert world.offered() == [WHEEL]
    fetched(ALPHA)
    world.clock += SECONDS
    assert world.get("/simple/demo/").status_code == 503
    assert "'beta' is no member" in world.get("/readyz").json()["detail"]
    fetched(ALPHA, BETA)
    assert world.offered() == [WHEEL]
    fetched(ALPHA, BETA, days=-1)
    world.clock += SECONDS
    for path in ("/simple/demo/", "/readyz"):
        answer = world.get(path)
        assert answer.status_code == 503
        assert "directory net: expired" in answer.json()["detail"]


def test_a_match_that_grows_old_ends_its_page(world):
    world.policy.write_text(
        world.policy.read_text("utf-8").replace("threshold = 2", "threshold = 2\nmax-age-days = 1"), "utf-8"
    )
    # Seen a day before today, to the second.
    assert "max-age=0," in world.get("/simple/demo/").headers["cache-control"]


def test_many_who_ask_at_once_get_one_page_that_is_made_once(world):
    world.index.gate = threading.Event()
    threading.Timer(0.3, world.index.gate.set).start()
    answers = world.get_all(["/simple/demo/"] * 20 + ["/explain/demo"] * 5)
    assert {answer.status_code for answer in answers} == {200}
    assert (len(world.index.asked), world.connected, len(world.made)) == (1, 1, 1)


def test_a_failure_is_everyones_and_not_kept(world):
    world.index.failure = FetchFailed("it is down")
    assert {answer.status_code for answer in world.get_all(["/simple/demo/"] * 5)} == {502}
    world.index.failure = None
    assert world.offered() == [WHEEL]


def test_who_asks_for_too_many_pages_at_once_is_refused(world):
    world.index.gate = threading.Event()
    threading.Timer(0.5, world.index.gate.set).start()
    answers = world.get_all([f"/simple/p{number}/" for number in range(MAX_WAITING + 5)])
    found = sorted(answer.status_code for answer in answers)
    assert found == [404] * MAX_WAITING + [503] * 5
    assert next(answer for answer in answers if answer.status_code == 503).headers["retry-after"]


@pytest.mark.parametrize(
    ("raw", "media"),
    [
        (b"{}", JSON),
        (b"<html>", JSON),
        (b'{"meta":{"api-version":"2.0"},"name":"demo","files":[]}', JSON),
        (b"whatever", "text/plain"),
        (b"\xff", "text/html"),
    ],
)
def test_what_is_no_page_gives_none(world, raw, media):
    world.index.raw, world.index.media = raw, media
    answer = world.get("/simple/demo/")
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("the index gave no page: https://index.example/simple/demo/: ")


def test_an_unknown_project_and_names_that_are_none(world):
    assert world.get("/simple/unknown/").status_code == 404
    for name in ("-x", "%2e%2e", "a%20b", "%C3%A4", "a" * 300, "<script>"):
        answer = world.get(f"/simple/{name}/")
        assert answer.status_code == 404
        assert "<script>" not in answer.text
    assert world.get("/simple/").status_code == 404
    assert world.get("/simple/Demo/").headers["location"] == "../demo/"
    assert world.get("/simple/Demo").headers["location"] == "./demo/"
    assert [item[0].rpartition("@")[2] for item in world.index.asked] == ["index.example/simple/unknown/"]


def test_an_index_in_html_alone(world):
    anchor = f'<a href="{WHEEL}#sha256={sha256_hex(GOOD)}" data-x="y">{WHEEL}</a>'
    world.index.raw, world.index.media = anchor.encode(), "text/html"
    answer = world.get("/simple/demo/", f"{JSON}, text/html;q=0.1")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    # Addresses that are relative to the index's own do not carry what it was asked with.
    assert f'href="https://index.example/simple/demo/{WHEEL}#sha256=' in answer.text
    assert 'data-x="y"' in answer.text
    assert world.get("/simple/demo/").status_code == 406
    assert world.get("/simple/demo/", "image/png").status_code == 406


def test_without_witnesses_there_is_no_page_and_they_are_asked_again_soon(world):
    (world.root / "beta-site").rename(world.root / "away")
    answer = world.get("/simple/demo/")
    assert answer.status_code == 503
    assert "could not be reached: beta" in answer.json()["detail"]
    (world.root / "away").rename(world.root / "beta-site")
    world.clock += 5
    assert world.offered() == [WHEEL]


def taken(world, **age):
    """Takes the snapshot that is asked, or brings it up to date, as if that had been so long ago."""
    world.snapshot, seen = world.root / "witnesses", datetime.now(UTC) - timedelta(**age)
    state, loaded = world.root / "state", load_policy(world.policy)
    copied = list(take(loaded, world.snapshot, HttpFetcher(), now=lambda: seen, state=state))
    assert [item.missed for item in copied] == ["", ""]


def test_a_snapshot_is_asked_and_counts_as_it_is_once_pages_have_run_out(world):
    taken(world)
    world.see(BETA, stated(BETA, "mismatch", sha256=sha256_hex(GOOD), recipe="again"))
    assert world.offered() == [WHEEL]
    world.clock += SECONDS
    assert world.offered() == [WHEEL]
    taken(world)
    assert world.offered() == [WHEEL]
    world.clock += SECONDS
    assert world.offered() == []
    index = world.snapshot / "snapshot.json"
    index.rename(world.root / "away")
    world.clock += SECONDS
    for path in ("/simple/demo/", "/explain/demo", "/readyz"):
        answer = world.get(path)
        assert answer.status_code == 503
        assert "snapshot.json: No such file" in answer.json()["detail"]
    (world.root / "away").rename(index)
    assert world.get("/readyz").status_code == 200


def test_a_snapshot_that_is_too_old_leaves_nobody_to_ask(world):
    taken(world, days=31)
    answer = world.get("/simple/demo/")
    assert answer.status_code == 503
    assert "could not be reached: alpha, beta" in answer.json()["detail"]


def test_no_page_outlives_its_snapshot(world):
    world.today = datetime.now(UTC)
    taken(world, days=30, seconds=-SECONDS / 2)
    answer = world.get("/simple/demo/")
    assert [item["filename"] for item in answer.json()["files"]] == [WHEEL]
    seconds = answer.headers["cache-control"].removeprefix("max-age=").removesuffix(", must-revalidate")
    assert int(seconds) <= SECONDS / 2


def test_a_witness_that_is_not_needed_may_be_silent(world):
    text = world.policy.read_text("utf-8")
    world.policy.write_text(text.replace("threshold = 2", "threshold = 1"), "utf-8")
    (world.root / "beta-site").rename(world.root / "away")
    answer = world.get("/simple/demo/")
    assert [item["filename"] for item in answer.json()["files"]] == [WHEEL]
    assert answer.headers["cache-control"] == "max-age=5, must-revalidate"


@pytest.mark.parametrize(
    ("rules", "name", "data", "expected"),
    [
        ({}, "other-1.0-py3-none-any.whl", GOOD, False),
        ({}, "demo-1.0-cp312-cp312-linux_x86_64.whl", b"compiled", False),
        ({"hides": frozenset({"divergent"})}, "demo-1.0-cp312-cp312-linux_x86_64.whl", b"compiled", True),
        ({"hides": frozenset({"divergent"})}, BAD_NAME, BAD, False),
        ({"hides": frozenset()}, BAD_NAME, BAD, True),
        ({"hides": frozenset()}, "demo-1.0.tar.gz", b"s", False),
        ({"sdists": Sdists.OFFER}, "demo-1.0.tar.gz", b"s", True),
        ({"sdists": Sdists.OFFER}, "other-1.0.tar.gz", b"s", False),
        ({"sdists": Sdists.EXEMPT}, "demo-1.0.tar.gz", b"s", False),
        ({"sdists": Sdists.OFFER}, "demo-1.0-py3.6.egg", b"e", False),
        ({"report_only": True}, "demo-1.0-py3.6.egg", b"e", True),
        ({"report_only": True}, BAD_NAME, BAD, True),
    ],
)
def test_what_is_offered(world, rules, name, data, expected):
    world.index.pages["demo"] = [entry(name, data)]
    world.make(**rules)
    assert (name in world.offered()) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"hashes": {"md5": "a" * 32}},
        {"hashes": {}},
        {"url": f"https://f.example/{BAD_NAME}"},
        {"url": f"data:{WHEEL}"},
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_hidden(world, change):
    world.index.pages["demo"] = [entry(**change)]
    assert world.offered() == []


def test_a_hash_under_another_name_does_not_pass(world):
    world.index.pages["demo"] = [entry("demo-9.0-py3-none-any.whl", GOOD)]
    assert world.offered() == []
    assert "another name" in world.get("/explain/demo", "application/json").text


def test_a_bad_signature_hides_the_file_as_check_would_fail(world):
    shard = world.root / "beta-site" / "observations" / sha256_hex(GOOD)[:2] / f"{sha256_hex(GOOD)}.jsonl"
    shard.write_bytes(shard.read_bytes() + b"{}\n")
    assert world.offered() == []
    world.make(hides=DEFAULT_FAIL_ON - {"bad-signature"})
    assert world.offered() == [WHEEL]


def test_what_the_policy_stops_at_is_hidden_unless_the_command_says_otherwise(world):
    text = world.policy.read_text("utf-8")
    world.policy.write_text('fail-on = ["divergent", "reproduced"]\n' + text, "utf-8")
    assert world.offered() == []
    world.policy.write_text('fail-on = ["reproduced"]\n' + text, "utf-8")
    assert world.offered() == [BAD_NAME]
    world.make(hides=DEFAULT_FAIL_ON)
    assert world.offered() == [WHEEL]


def test_files_are_led_to_while_they_are_offered(world):
    for suffix in ("", ".metadata", ".asc"):
        answer = world.get(f"/files/demo/{WHEEL}{suffix}")
        assert (answer.status_code, answer.headers["location"]) == (302, f"https://f.example/{WHEEL}{suffix}")
        assert answer.headers["cache-control"] == "no-store"
    refused = world.get(f"/files/demo/{BAD_NAME}")
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith(f"{BAD_NAME} is hidden: divergent: ")
    assert world.get("/files/demo/demo-1.0.tar.gz").status_code == 403
    assert world.get("/files/demo/demo-7.0-py3-none-any.whl").status_code == 404
    assert world.get("/files/unknown/x.whl").status_code == 404


def test_why(world):
    answer = world.get("/explain/demo", "application/json")
    value = answer.json()
    assert (value["schema"], value["offered"], value["hidden"]) == ("explain/1", 1, 2)
    assert [(item["filename"], item["verdict"]) for item in value["files"]] == [
        (WHEEL, "reproduced"),
        (BAD_NAME, "divergent"),
        ("demo-1.0.tar.gz", "not-applicable"),
    ]
    assert value["files"][1]["evidence"][0].startswith("dissents: alpha (Operator A): differs: ")
    page = world.get("/explain/demo", "text/html")
    assert page.headers["content-security-policy"] == explain.CSP
    assert "default-src 'none'" in explain.CSP
    assert "dissents: beta (Operator B)" in page.text


def test_what_strangers_write_is_shown_as_text(world):
    name = f"{HOSTILE}.tar.gz"
    world.index.pages["demo"] = [entry(name, b"x"), entry(yanked=HOSTILE)]
    for path in ("/explain/demo", "/simple/demo/"):
        elements = Elements(world.get(path, "text/html").text)
        assert not elements.tags & {"script", "img"}
        assert not any(key.startswith("on") for _, attrs in elements.found for key in attrs)
    assert "\x1b" not in world.get("/explain/demo", "text/html").text
    assert explain.summary(world.made[0]).isprintable()


def test_the_audit_log_has_what_was_offered_and_to_whom_and_follows_rotation(world, tmp_path):
    path = tmp_path / "audit.jsonl"
    world.make(path)
    agent = {"User-Agent": "pip/1 \x1b[2J"}
    etag = world.get("/simple/demo/", **agent).headers["etag"].strip('"')
    page, request = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert (page["kind"], page["page"], page["project"]) == ("page", etag, "demo")
    assert [item["filename"] for item in page["offered"]] == [WHEEL]
    assert page["hidden"][0]["outcome"] == "divergent"
    assert (request["kind"], request["path"], request["status"], request["page"]) == (
        "request",
        "/simple/demo/",
        200,
        etag,
    )
    assert request["agent"] == "pip/1 \\x1b[2J"
    path.rename(tmp_path / "audit.jsonl.1")
    world.get("/simple/unknown/")
    (again,) = map(json.loads, path.read_text("utf-8").splitlines())
    assert (again["status"], again["page"]) == (404, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_nothing_is_served_that_cannot_be_written_down(world):
    world.make(Path("/dev/full"))
    answer = world.get("/simple/demo/")
    assert answer.status_code == 503
    assert "audit log" in answer.json()["detail"]
    world.make(world.root / "no" / "such" / "place")
    assert world.get("/readyz").status_code == 503


def test_metrics(world):
    for _ in range(2):
        world.get("/simple/demo/")
    world.get("/simple/unknown/")
    text = world.get("/metrics").text
    for line in (
        'wheelwitness_proxy_requests_total{status="200"} 2.0',
        'wheelwitness_proxy_requests_total{status="404"} 1.0',
        "wheelwitness_proxy_known_pages_total 1.0",
        'wheelwitness_proxy_failures_total{cause="NotFound"} 1.0',
        'wheelwitness_proxy_files_total{offered="no",outcome="divergent"} 1.0',
    ):
        assert line in text


def test_only_reading_is_possible(world):
    async def ask():
        transport = httpx.ASGITransport(app=world.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy.example") as client:
            post, head = await client.post("/simple/demo/"), await client.head("/simple/demo/")
            return post.status_code, head.status_code, head.content

    assert asyncio.run(ask())[:2] == (405, 200)
