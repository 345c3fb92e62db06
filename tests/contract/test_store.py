"""What every `Store` promises (witness.store.interface)."""

import pytest

from witness.errors import FetchFailed, Incomplete, InputError, NotFound, Unverified
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore

MAKE = {"directory": DirectoryStore, "memory": lambda _: MemoryStore()}


@pytest.fixture(params=sorted(MAKE))
def store(request, tmp_path):
    return MAKE[request.param](tmp_path / "not" / "yet")


class TestStore:
    def test_put_replaces(self, store):
        store.put("a/b", b"one")
        store.put("a/b", b"two")
        assert store.get("a/b", limit=10) == b"two"

    def test_paths_are_apart(self, store):
        store.put("a/b", b"one")
        store.put("a/c", b"")
        store.put("d", b"three")
        assert [store.get(path, limit=10) for path in ("a/b", "a/c", "d")] == [b"one", b"", b"three"]

    def test_what_is_not_there(self, store):
        store.put("a/b", b"one")
        for path in ("c", "a/c", "a", "a/b/c", "c/d/e"):
            with pytest.raises(NotFound):
                store.get(path, limit=10)
            assert not store.exists(path)
        assert store.exists("a/b")

    def test_get_is_bounded(self, store):
        store.put("a", b"12345")
        assert store.get("a", limit=5) == b"12345"
        with pytest.raises(FetchFailed, match="more than the 4 bytes"):
            store.get("a", limit=4)

    def test_add_is_for_ever(self, store):
        store.add("a", b"one")
        store.add("a", b"one")
        for other in (b"two", b"", b"one more", b"on"):
            with pytest.raises(Unverified, match="other bytes"):
                store.add("a", other)
        assert store.get("a", limit=10) == b"one"

    def test_remove_a_file(self, store):
        store.put("a/b", b"one")
        store.put("a/c", b"two")
        store.remove("a/b")
        store.remove("a/b")
        store.remove("x/y")
        assert not store.exists("a/b")
        assert store.exists("a/c")

    def test_remove_a_directory(self, store):
        store.put("a/b/c", b"one")
        store.put("a/b/d/e", b"two")
        store.put("a/bc", b"three")
        store.remove("a/b")
        assert not store.exists("a/b/c")
        assert not store.exists("a/b/d/e")
        assert store.exists("a/bc")
        store.add("a/b/c", b"another")
        assert store.get("a/b/c", limit=10) == b"another"

    def test_a_file_is_no_directory(self, store):
        store.put("a", b"one")
        with pytest.raises(Incomplete):
            store.put("a/b", b"two")
        store.put("c/d", b"three")
        with pytest.raises(Incomplete):
            store.put("c", b"four")
        assert store.get("a", limit=10) == b"one"
        assert store.get("c/d", limit=10) == b"three"

    @pytest.mark.parametrize(
        "path",
        ["", ".", "..", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a/..", ".a", "a/.b", "a\\b", "a\0b", "a b",
         "é", "a\n", "x" * 201, "/".join(["xx"] * 400)],
    )  # fmt: skip
    def test_paths_that_are_not_ours(self, store, path):
        for use in (
            lambda: store.get(path, limit=10),
            lambda: store.exists(path),
            lambda: store.put(path, b""),
            lambda: store.add(path, b""),
            lambda: store.remove(path),
        ):
            with pytest.raises(InputError, match="not a path in a store"):
                use()

    def test_paths_that_are(self, store):
        for path in (
            "tile/0/x001/234.p/5",
            "observations/ab/" + "0" * 64 + ".jsonl",
            "index.html",
            "a-b_c+d",
        ):
            store.put(path, path.encode())
            assert store.get(path, limit=200) == path.encode()


def test_a_directory_is_readable_by_its_server_and_has_no_leftovers(tmp_path):
    store = DirectoryStore(tmp_path)
    store.put("a/b", b"one")
    store.put("a/b", b"two")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o644


def test_a_failed_put_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    store = DirectoryStore(tmp_path)
    store.put("a", b"one")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Incomplete, match="a: No space left"):
        store.put("a", b"two")
    monkeypatch.undo()
    assert store.get("a", limit=10) == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
