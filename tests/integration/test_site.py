"""The pages of nodes: what is on them is in a log, they lead to each other, and what did not change is not written."""

import json
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rebuilders.site import names
from rebuilders.site.making import pages_of_node, pages_of_several
from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, Node, stated
from tests.keyed_log import FIRST, SECOND, KeyedLog
from tests.site_logs import BEGIN, Release, grow, naming, observations, observed, put_report, releases, report
from tests.site_tree import broken, pages
from witness import bundle, statement
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError, Malformed, Unverified
from witness.store.directory import DirectoryStore
from witness.tlog.tiles import ENTRIES, tile_of

NODE = Node("node-a", "Operator A")
CHECKOUT = Path(__file__).parents[2]
REBUILDER = [sys.executable, "-P", "-c", "from rebuilders.cli.main import main; main()"]
ATOM = "{http://www.w3.org/2005/Atom}"
RUNS = {
    "path": "demo/a.py",
    "kind": "content",
    "class": "code-changed",
    "severity": "runs",
    "detail": "x = 1, not x = 2",
}


def make(root):
    return pages_of_node(root / "site", root / "state")


def at(days):
    return BEGIN + timedelta(days=days)


def text_of(path):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", path.read_text("utf-8")))


@pytest.fixture
def node(tmp_path):
    """A node of 120 observations with its pages."""
    grow(NODE, tmp_path, observations(NODE, releases(120)), "https://node-a.example/")
    make(tmp_path)
    return tmp_path


def test_every_page_leads_somewhere(tmp_path):
    said = [stated(NODE, result, filename=f"demo-{number}.0-py3-none-any.whl", sha256=f"{number:064x}")
            for number, result in enumerate(["match", "mismatch", "build-failed", "not-attempted"], 1)]  # fmt: skip
    site = NODE.publish(tmp_path, said)
    grow(NODE, tmp_path / "told", [])
    shutil.copy(tmp_path / "told" / "site" / "node.json", site / "node.json")
    pages_of_node(site, tmp_path / "state")
    assert broken(site) == []
    page = text_of(site / "file" / "00" / f"{2:064x}.html")
    for words in (
        "The rebuilt wheel differs",
        "Version 1.0 of the project matched",
        "demo/__init__.py",
        "entry",
    ):
        assert words in page


def test_a_page_says_what_the_entry_does(node):
    wanted = observed(NODE, Release("wanted", "2.0"), "match", "metadata", finished=at(150), attempts=3)
    grow(NODE, node, [wanted])
    assert make(node).entries == 1
    page = text_of(node / "site" / "file" / wanted.sha256[:2] / f"{wanted.sha256}.html")
    seen = wanted.observation
    for words in (
        wanted.filename, wanted.sha256, "Equal by named rules", "generator", seen.recipe.sha256, "CPython 3.12.7",
        "setuptools 75.6.0", "3 recipes tried", "bubblewrap+seccomp+cgroup2", seen.source.name, "entry 120",
        f"wheelwitness show sha256:{wanted.sha256}", f"rebuilder rebuild {wanted.filename}",
    ):  # fmt: skip
        assert words in page, words


def test_one_more_observation_changes_few_files(node):
    before = pages(node / "site")
    grow(NODE, node, [observed(NODE, releases(120)[60], "match", "archive", finished=at(151))])
    made = make(node)
    after = pages(node / "site")
    changed = {path for path in after if after[path] != before.get(path)}
    assert made.written == len(changed)
    assert made.written + made.same < 25
    assert {"index.html"} <= changed
    assert before.keys() == after.keys()


def test_nothing_new_writes_nothing(node):
    before = {path: path.stat().st_mtime_ns for path in (node / "site").rglob("*") if path.is_file()}
    made = make(node)
    assert (made.entries, made.written, made.removed) == (0, 0, 0)
    assert before == {path: path.stat().st_mtime_ns for path in (node / "site").rglob("*") if path.is_file()}


def test_step_by_step_comes_to_the_same_as_at_once(tmp_path, monkeypatch):
    """Also where lists are divided as they grow, and where a node looks again."""
    monkeypatch.setattr(names, "MOST", 7)
    wanted = releases(150)
    said = observations(NODE, wanted)
    said += [
        observed(NODE, wanted[number], "mismatch", None, finished=at(130 + number))
        for number in range(0, 90, 9)
    ]
    for start in range(0, len(said), 37):
        grow(NODE, tmp_path / "steps", said[start : start + 37])
        make(tmp_path / "steps")
    assert broken(tmp_path / "steps" / "site", ("observations/",)) == []
    grow(NODE, tmp_path / "once", said)
    make(tmp_path / "once")
    assert pages(tmp_path / "steps" / "site") == pages(tmp_path / "once" / "site")


def test_the_lists_have_every_project_once(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "MOST", 7)
    wanted = releases(200)
    grow(NODE, tmp_path, observations(NODE, wanted))
    make(tmp_path)
    site = tmp_path / "site"
    listed = [
        name
        for path in (site / "browse").iterdir()
        for name in re.findall(r'<td><a href="\.\./project/([^"]+)\.html"', path.read_text())
    ]
    assert sorted(listed) == sorted({release.project for release in wanted})
    shards = [json.loads(path.read_text()) for path in (site / "search").iterdir()]
    assert {row[0] for shard in shards for row in shard["projects"]} == set(listed)
    for shard in shards:
        assert len(shard["projects"]) <= 7


def test_pages_of_what_is_gone_are_removed_and_others_are_left(node):
    site = node / "site"
    keep = [site / "observations" / "x.jsonl", site / "reports" / "ab" / "x.json", site / "about.html"]
    gone = [site / "project" / "gone.html", site / "file" / "ab" / f"{'ab' * 32}.html",
            site / "search" / "names-zz.json", site / "project" / ".tmp-killed.html"]  # fmt: skip
    for path in (*keep, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert make(node).removed == 0
    (node / "state" / "site.sqlite").unlink()
    before = pages(site)
    made = make(node)
    assert made.removed == len(gone)
    assert all(path.exists() for path in keep)
    assert not any(path.exists() for path in gone)
    assert made.written == 0
    assert pages(site) == {path: data for path, data in before.items() if site / path not in gone}


def test_a_damaged_memory_is_made_anew(node):
    before = pages(node / "site")
    (node / "state" / "site.sqlite").write_bytes(b"no database at all" * 300)
    assert make(node).entries == 120
    assert pages(node / "site") == before


def test_what_is_in_no_log_is_not_shown(node):
    """A bundle that lies in a shard, signed by the node's own key, with the proof of another log."""
    stranger = stated(NODE, sha256="77" * 32, filename="stranger-1.0-py3-none-any.whl")
    line = bundle.encode(NODE.bundle(stranger)) + b"\n"
    DirectoryStore(node / "site").put(bundle.shard_path("77" * 32), line)
    make(node)
    assert not (node / "site" / "file" / "77" / f"{'77' * 32}.html").exists()
    assert not any(b"stranger" in data for data in pages(node / "site").values())


def test_a_log_that_was_tampered_with_changes_nothing(node):
    before = pages(node / "site")
    grow(NODE, node, [observed(NODE, Release("more", "1.0"), "match", "bitwise", finished=at(160))])
    path = node / "site" / tile_of(ENTRIES, 0, 121).path
    data = path.read_bytes()
    path.write_bytes(data.replace(b"sig", b"gis"))
    with pytest.raises((Unverified, Malformed)):
        make(node)
    assert pages(node / "site") == before


def test_another_history_is_refused(node, tmp_path):
    before = pages(node / "site")
    grow(NODE, tmp_path / "fork", observations(NODE, releases(130), seed=9))
    for name in ("tile", "checkpoint"):
        target = node / "site" / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        shutil.move(tmp_path / "fork" / "site" / name, target)
    with pytest.raises(Unverified, match="not the log that was shown before"):
        make(node)
    assert pages(node / "site") == before


def test_an_older_state_is_refused(node, tmp_path):
    shutil.copytree(node / "site", tmp_path / "old")
    grow(NODE, node, [observed(NODE, Release("more", "1.0"), "match", "bitwise", finished=at(160))])
    make(node)
    shutil.rmtree(node / "site" / "tile")
    shutil.copytree(tmp_path / "old" / "tile", node / "site" / "tile")
    shutil.copy(tmp_path / "old" / "checkpoint", node / "site" / "checkpoint")
    with pytest.raises(Incomplete, match="121 were shown before"):
        make(node)


def test_a_revocation_takes_back_what_was_shown(tmp_path):
    log = KeyedLog()
    log.observe()
    log.observe(sha256="33" * 32)

    def shown():
        log.publish(tmp_path / "site")
        identity = ALPHA.identity
        told = {"schema": "node/1", "name": "alpha", "operator": "Operator A", "url": "", "lookupWidth": 2,
                "keys": [identity.keys[0].text], "logKey": identity.log_key.text}  # fmt: skip
        (tmp_path / "site" / "node.json").write_text(json.dumps(told))
        make(tmp_path)
        return (tmp_path / "site" / "file" / "33" / f"{'33' * 32}.html").exists()

    assert shown()
    log.rotate(FIRST, SECOND)
    assert shown()
    log.revoke(FIRST, 1, by=SECOND)
    assert not shown()
    assert broken(tmp_path / "site") == []


def test_reports_come_change_and_go(node):
    said = observed(NODE, Release("demo", "1.0"), "mismatch", None, finished=at(170))
    data = report(said, [RUNS])
    grow(NODE, node, [naming(said, data)])
    make(node)
    page = node / "site" / "file" / said.sha256[:2] / f"{said.sha256}.html"
    assert "code-changed" not in page.read_text()
    assert "cannot be shown: it is not at hand" in page.read_text()
    path = put_report(node / "site", said, data)
    make(node)
    assert "Changes what can run" in page.read_text()
    assert "x = 1, not x = 2" in page.read_text()
    for other in (report(said, [{**RUNS, "detail": "nothing"}]), b"{" * 2_000_000):
        put_report(node / "site", said, other)
        make(node)
        assert "Changes what can run" not in page.read_text()
        assert "cannot be shown" in page.read_text()
    path.unlink()
    made = make(node)
    assert "it is not at hand" in page.read_text()
    assert made.written == 1


def test_regressions_are_fed(node):
    for number, (result, level) in enumerate(
        [("match", "bitwise"), ("mismatch", None), ("match", "archive")]
    ):
        grow(
            NODE,
            node,
            [observed(NODE, Release("slipped", f"1.{number}"), result, level, finished=at(180 + number))],
        )
    make(node)
    site = node / "site"
    feed = ET.fromstring((site / "project" / "slipped.xml").read_bytes())
    (entry,) = feed.findall(ATOM + "entry")
    assert entry.findtext(ATOM + "title") == "slipped-1.1-py3-none-any.whl differs, 1.0 matched"
    link = entry.find(ATOM + "link").attrib["href"]
    assert link.startswith("https://node-a.example/file/")
    titles = [
        one.findtext(ATOM + "title")
        for one in ET.fromstring((site / "regressions.xml").read_bytes()).iter(ATOM + "entry")
    ]
    assert titles[0] == "slipped-1.1-py3-none-any.whl differs, 1.0 matched"
    assert "slipped-1.1-py3-none-any.whl" in text_of(site / "regressions.html")
    # It matches after all.
    grow(NODE, node, [observed(NODE, Release("slipped", "1.1"), "match", "bitwise", finished=at(190))])
    make(node)
    assert not ET.fromstring((site / "project" / "slipped.xml").read_bytes()).findall(ATOM + "entry")


def test_a_node_that_builds_nothing_says_so(tmp_path):
    static = stated(NODE, "match", "metadata", method="static")
    site = NODE.publish(tmp_path, [static, stated(NODE, "mismatch", method="static", sha256="44" * 32)])
    grow(NODE, tmp_path / "told", [])
    shutil.copy(tmp_path / "told" / "site" / "node.json", site / "node.json")
    pages_of_node(site, tmp_path / "state")
    front = text_of(site / "index.html")
    assert "It runs no code of theirs." in front
    assert "static, without running anything: 2 observations" in front
    pages_of_files = [text_of(path) for path in (site / "file").rglob("*.html")]
    assert any("Follows from the sdist" in page for page in pages_of_files)
    assert any("Does not follow from the sdist" in page for page in pages_of_files)


def test_earlier_observations_are_listed(node):
    release = Release("again", "1.0")
    for number, (result, level) in enumerate(
        [("build-failed", None), ("match", "archive"), ("match", "bitwise")]
    ):
        grow(NODE, node, [observed(NODE, release, result, level, finished=at(200 + number))])
    make(node)
    page = text_of(node / "site" / "file" / release.sha256[:2] / f"{release.sha256}.html")
    assert "Reproduced: the same file" in page
    assert "✓ same members level archive 121 2026-07-25" in page
    assert "not built backend-failed 120 2026-07-24" in page


def test_badges(node):
    site = node / "site"
    for number, result in enumerate(["match", "mismatch", "build-failed"]):
        grow(
            NODE,
            node,
            [observed(NODE, Release("badged", f"1.{number}"), result, "bitwise", finished=at(180))],
        )
    make(node)
    assert json.loads((site / "project" / "badged.json").read_text())["message"] == "1 of 2 files"
    shas = [Release("badged", f"1.{number}").sha256 for number in range(3)]
    told = [json.loads((site / "file" / sha[:2] / f"{sha}.json").read_text()) for sha in shas]
    assert [(one["message"], one["color"]) for one in told] == [
        ("identical", "brightgreen"), ("differs", "red"), ("not built", "lightgrey"),
    ]  # fmt: skip
    assert b"differs" in (site / "file" / shas[1][:2] / f"{shas[1]}.svg").read_bytes()


def test_a_project_of_many_files_has_several_pages(tmp_path):
    many = [Release("many", f"1.{number}") for number in range(450)]
    grow(
        NODE,
        tmp_path,
        [
            observed(NODE, one, "match", "bitwise", finished=at(number / 10))
            for number, one in enumerate(many)
        ],
    )
    make(tmp_path)
    site = tmp_path / "site"
    found = [sorted(set(re.findall(r"many-1\.(\d+)-", (site / "project" / name).read_text())), key=int)
             for name in ("many.1.html", "many.2.html", "many.html")]  # fmt: skip
    assert [(part[0], part[-1]) for part in found] == [("0", "199"), ("200", "399"), ("400", "449")]
    before = pages(site)
    grow(NODE, tmp_path, [observed(NODE, Release("many", "2.0"), "match", "bitwise", finished=at(60))])
    make(tmp_path)
    after = pages(site)
    changed = {path for path in before if before[path] != after[path]}
    assert {path for path in changed if re.fullmatch(r"project/many\..*html", path)} <= {"project/many.html"}
    assert broken(site, ("observations/",)) == []


NODES = (ALPHA, BETA, GAMMA)


@pytest.fixture
def network(tmp_path):
    """Three nodes: they agree on one file, disagree on one, and of one only a single node knows."""
    agreed, disputed, alone = (Release("demo", f"{number}.0") for number in range(1, 4))
    for number, one in enumerate(NODES):
        said = [observed(one, agreed, "match", "bitwise", finished=at(1))]
        said.append(
            observed(one, disputed, "mismatch" if number == 2 else "match", "bitwise", finished=at(2))
        )
        if number == 0:
            said.append(observed(one, alone, "build-failed", None, finished=at(3)))
        grow(one, tmp_path / one.name, said, f"https://{one.name}.example/")
    return tmp_path, (agreed, disputed, alone)


def test_several_nodes_are_held_against_each_other(network):
    root, (agreed, disputed, alone) = network
    pages_of_several(root / "out", (), None, [root / one.name for one in NODES], url="https://all.example/")
    site = root / "out" / "site"
    assert broken(site) == []
    front = text_of(site / "index.html")
    assert front.index("Disagreements") < front.index("Coverage")
    assert "3 nodes of 3 operators" in front

    def page(release):
        return text_of(site / "file" / release.sha256[:2] / f"{release.sha256}.html")

    assert "3 of 3 operators say that it matches" in page(agreed)
    assert "The operators do not agree" in page(disputed)
    assert "2 of 3 operators say that it matches, 1 that it differs" in page(disputed)
    assert "1 could not build it; 2 are silent" in page(alone)
    disagreements = text_of(site / "disagreements.html")
    assert "demo-2.0-py3-none-any.whl Operator A, Operator B Operator C nobody nobody" in disagreements
    assert "Operator A and Operator B 2 100% 0" in disagreements
    assert "Operator A and Operator C 2 50% 1" in disagreements
    link = f"https://alpha.example/{bundle.shard_path(agreed.sha256)}"
    assert link in (site / "file" / agreed.sha256[:2] / f"{agreed.sha256}.html").read_text()


def test_step_by_step_comes_to_the_same_as_at_once_for_several(network):
    root, (_, disputed, _) = network
    nodes = [root / one.name for one in NODES]
    pages_of_several(root / "steps", (), None, nodes)
    grow(GAMMA, root / GAMMA.name, [observed(GAMMA, disputed, "match", "bitwise", finished=at(9))])
    pages_of_several(root / "steps", (), None, nodes)
    pages_of_several(root / "once", (), None, nodes)
    assert pages(root / "steps" / "site") == pages(root / "once" / "site")
    assert "None. No file is said to match" in text_of(root / "once" / "site" / "index.html")


def test_a_node_that_calls_a_file_by_another_name_does_not_rename_it(network):
    root, (agreed, _, _) = network
    evil = observed(GAMMA, Release("evil", "1.0"), "match", "bitwise", finished=at(9))
    grow(
        GAMMA,
        root / GAMMA.name,
        [type(evil)("evil-1.0-py3-none-any.whl", agreed.sha256, rebuilt(evil, agreed.sha256))],
    )
    pages_of_several(root / "out", (), None, [root / one.name for one in NODES])
    page = text_of(root / "out" / "site" / "file" / agreed.sha256[:2] / f"{agreed.sha256}.html")
    assert "match: demo" not in page
    assert "Projects / demo / 1.0" in page.replace("  ", " ")
    assert "The nodes call this file differently" in page
    assert broken(root / "out" / "site") == []


def rebuilt(said, sha256):
    digest = said.observation.rebuilt.digest.model_copy(update={"sha256": sha256})
    return said.observation.model_copy(
        update={"rebuilt": said.observation.rebuilt.model_copy(update={"digest": digest})}
    )


def test_one_log_twice(network):
    root, _ = network
    with pytest.raises(InputError, match="one log twice"):
        pages_of_several(root / "out", (), None, [root / "alpha", root / "alpha"])


def test_two_at_once(node):
    import fcntl

    with (node / "state" / "site.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Incomplete, match="another process makes this site"):
            make(node)


def rebuilder(*arguments, cwd, expect=0):
    done = subprocess.run(
        [*REBUILDER, *map(str, arguments)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": str(CHECKOUT)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == expect, done.stderr + done.stdout
    return done.stdout + done.stderr


def test_the_commands(tmp_path):
    rebuilder("init", "mine", "--name", "mine.example", "--operator", "Operator Mine", cwd=tmp_path)
    assert "no log here" in rebuilder("site", "mine", cwd=tmp_path, expect=2)
    said = statement.encode(stated(Node("mine.example", "Operator Mine")))
    (tmp_path / "mine" / "outbox" / f"{sha256_hex(said)}.json").write_bytes(said)
    rebuilder("publish", "mine", cwd=tmp_path)
    assert "1 entry more" in rebuilder("site", "mine", cwd=tmp_path)
    assert broken(tmp_path / "mine" / "site") == []
    rebuilder("push", "mine", "--to", (tmp_path / "served").as_uri(), cwd=tmp_path)
    assert pages(tmp_path / "served") == pages(tmp_path / "mine" / "site")
    assert broken(tmp_path / "served") == []
    for one in (ALPHA, BETA):
        grow(
            one,
            tmp_path / one.name,
            [observed(one, Release("demo", "1.0"), "match", "bitwise", finished=at(1))],
        )
    (tmp_path / "policy.toml").write_text(
        "version = 1\nthreshold = 2\n"
        + "".join(one.toml(f"https://{one.name}.example/") for one in (ALPHA, BETA))
    )
    told = rebuilder(
        "aggregate", "out", "alpha/site", "beta", "--policy", "policy.toml", "--title", "Both", cwd=tmp_path
    )
    assert "2 entries more" in told
    assert "<title>Overview · Both</title>" in (tmp_path / "out" / "site" / "index.html").read_text()
    assert "no log here" in rebuilder(
        "aggregate", "out", "nothing", "--policy", "policy.toml", cwd=tmp_path, expect=2
    )
    assert "no node here" in rebuilder("site", "nothing", cwd=tmp_path, expect=2)
    assert (
        rebuilder(
            "aggregate",
            "out",
            "alpha",
            "beta",
            "--policy",
            "policy.toml",
            "--title",
            "Both",
            "--quiet",
            cwd=tmp_path,
        )
        == ""
    )
