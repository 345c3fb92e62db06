"""What a node watches: lists and lock files as they are, with what is wrong with them; and the index's own list."""

import json
import os

import pytest

from rebuilders.index.revalidated import parse_list
from rebuilders.node.feed import lists as lists_module
from rebuilders.node.feed.config import WatchConfig
from rebuilders.node.feed.lists import Lists
from witness.errors import Malformed

INDEX = "https://index.example/simple/"
SHA = "ab" * 32


def read(root, **watch):
    return Lists(WatchConfig(**watch), root, INDEX).read()


def locked(name, registry=INDEX):
    return (
        f'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "{name}"\nversion = "1.0"\n'
        f'source = {{ registry = "{registry}" }}\n'
        f'wheels = [{{ url = "https://files.example/{name}-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }}]\n'
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Flask\n\n# popular\nzope.interface # why\nflask\n", ["flask", "zope-interface"]),
        (json.dumps({"rows": [{"project": "B", "download_count": 2}, {"project": "a"}]}), ["b", "a"]),
        ("", []),
    ],
)
def test_the_most_popular(tmp_path, text, names):
    (tmp_path / "top").write_text(text, "utf-8")
    assert list(read(tmp_path, top="top").projects) == names
    assert list(read(tmp_path, **{"top": "top", "top-count": 1}).projects) == names[:1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a\n../etc/passwd\n", "line 2: not the name of a project"),
        (b"a" * 500, "line 1: not the name of a project"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not valid JSON"),
        (b'{"rows": {}}', "no list of rows"),
        (b'{"rows": [{"project": 7}]}', "row 1: not the name"),
        (b'{"rows": [7]}', "row 1: not the name"),
        (b'{"rows": [], "rows": []}', "same key twice"),
    ],
)
def test_lists_that_are_none(tmp_path, data, said):
    (tmp_path / "top").write_bytes(data)
    watched = read(tmp_path, top="top", projects=["six"])
    assert list(watched.projects) == ["six"]
    assert said in watched.problems[0]
    assert not watched.complete


def test_lists_that_are_no_files(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    for name in ("pipe", "directory", "none", "nul\0"):
        assert "no such file" in read(tmp_path, top=name).problems[0]
        assert "no such file" in read(tmp_path, files=[name]).problems[0]
    monkeypatch.setattr(lists_module, "_MAX_LIST", 3)
    (tmp_path / "top").write_text("a\nb\nc\n")
    assert "more than 3 bytes" in read(tmp_path, top="top").problems[0]


def test_lock_files_name_projects_and_the_files_that_they_pin(tmp_path):
    (tmp_path / "uv.lock").write_text(locked("demo"), "utf-8")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "uv.lock").write_text(locked("secret", "https://private.example/simple"), "utf-8")
    watched = read(tmp_path, files=["uv.lock", "private/uv.lock"], projects=["demo", "six"])
    assert watched.projects == {"demo": {SHA}, "six": frozenset()}
    assert watched.problems == ()


def test_entries_without_a_digest_are_told_and_nothing_else(tmp_path):
    (tmp_path / "requirements.txt").write_text("loose==1\n", "utf-8")
    watched = read(tmp_path, files=["requirements.txt"], projects=["six"])
    assert (list(watched.projects), len(watched.problems), watched.complete) == (["six"], 1, True)


def test_a_file_is_read_anew_only_when_it_has_changed(tmp_path, monkeypatch):
    (tmp_path / "uv.lock").write_text(locked("demo"), "utf-8")
    lists = Lists(WatchConfig(files=["uv.lock"]), tmp_path, INDEX)
    reads = []
    pins = Lists._pins
    monkeypatch.setattr(Lists, "_pins", lambda self, path: reads.append(path) or pins(self, path))
    first = lists.read()
    assert lists.read() == first
    assert len(reads) == 1
    (tmp_path / "uv.lock").write_text(locked("another"), "utf-8")
    assert list(lists.read().projects) == ["another"]
    (tmp_path / "uv.lock").write_text("damaged [", "utf-8")
    kept = lists.read()
    assert list(kept.projects) == ["another"]
    assert len(kept.problems) == 1
    assert lists.read() == kept
    assert len(reads) == 3
    lists.read(anew=True)
    assert len(reads) == 4


def page(*projects):
    return json.dumps({"meta": {"api-version": "1.4"}, "projects": list(projects)}).encode()


def test_the_list_of_an_index():
    told = parse_list(
        page(
            {"name": "Demo.X", "_last-serial": 7},
            {"name": "demo-x", "_last-serial": 9},
            {"name": "plain"},
            {"name": "odd", "_last-serial": "12"},
            {"name": "true", "_last-serial": True},
            {"name": "minus", "_last-serial": -3},
            {"name": "huge", "_last-serial": 2**60},
            {"name": "../x", "_last-serial": 1},
            {"name": "a" * 300, "_last-serial": 1},
            {"name": 7},
            "demo",
            None,
        )
    )
    assert told == {"demo-x": 9, "plain": 0, "odd": 0, "true": 0, "minus": 0, "huge": 0}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"projects": {}}', b"<html>", b"[" * 100_000, b"\xff"])
def test_lists_of_an_index_that_are_none(body):
    with pytest.raises(Malformed):
        parse_list(body)
