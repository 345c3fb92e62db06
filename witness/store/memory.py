"""A `Store` in memory, for tests and dry runs."""

from witness.errors import FetchFailed, Incomplete, NotFound, Unverified
from witness.store.interface import check_path


class MemoryStore:
    """Keeps files in `files`, by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def get(self, path: str, *, limit: int) -> bytes:
        """See `Store.get`."""
        check_path(path)
        data = self.files.get(path)
        if data is None:
            raise NotFound(f"{path}: no such file")
        if len(data) > limit:
            raise FetchFailed(f"{path}: more than the {limit} bytes allowed")
        return data

    def exists(self, path: str) -> bool:
        """See `Store.exists`."""
        check_path(path)
        return path in self.files

    def put(self, path: str, data: bytes) -> None:
        """See `Store.put`."""
        check_path(path)
        parents = path.split("/")[:-1]
        above = ("/".join(parents[: count + 1]) for count in range(len(parents)))
        if any(parent in self.files for parent in above) or any(
            other.startswith(f"{path}/") for other in self.files
        ):
            raise Incomplete(f"{path}: a file and a directory in one place")
        self.files[path] = bytes(data)

    def add(self, path: str, data: bytes) -> None:
        """See `Store.add`."""
        check_path(path)
        if self.files.get(path, data) != data:
            raise Unverified(f"{path}: already there with other bytes")
        self.put(path, data)

    def remove(self, path: str) -> None:
        """See `Store.remove`."""
        check_path(path)
        for other in [name for name in self.files if name == path or name.startswith(f"{path}/")]:
            del self.files[other]
