"""Wheels that were built here because the index has none: kept by the content of the sdist and the recipe."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rebuilders.plan.recipe import Locked
from witness.digest import sha256_hex
from witness.errors import Incomplete, NotFound
from witness.limits import ARCHIVE
from witness.store.directory import DirectoryStore


@dataclass(frozen=True, slots=True)
class BuiltWheels:
    """Args: cache: a directory of ours. What is read from it is checked again, so damage costs a build."""

    cache: Path

    def find(self, source: str, recipe: str) -> Locked | None:
        """The wheel that was built of the sdist with that SHA-256 by the recipe of that digest, if it is here."""
        try:
            held = self._store.get(f"{_key(source, recipe)}.json", limit=ARCHIVE.member)
            locked = Locked(**json.loads(held))
        except (Incomplete, ValueError, TypeError):
            return None
        return locked if (locked.source, locked.recipe) == (source, recipe) and self.holds(locked) else None

    def keep(self, locked: Locked, data: bytes) -> None:
        """Keeps `data`, the wheel that `locked` names."""
        self._store.put(_path(locked), data)
        told = json.dumps(asdict(locked)).encode()
        self._store.put(f"{_key(locked.source, locked.recipe)}.json", told)

    def holds(self, locked: Locked) -> bool:
        """Whether `read` would give it."""
        try:
            self.read(locked)
        except NotFound:
            return False
        return True

    def read(self, locked: Locked) -> bytes:
        """The wheel. Raises NotFound if it is not here, or not with these bytes."""
        data = self._store.get(_path(locked), limit=ARCHIVE.file)
        if sha256_hex(data) != locked.sha256:
            raise NotFound(f"{locked.filename}: damaged in the cache")
        return data

    def directory(self, locked: Locked) -> Path:
        """The directory that holds this wheel and no other, for an installer's `--find-links`."""
        return (self._store.root / _path(locked)).parent

    @property
    def _store(self) -> DirectoryStore:
        return DirectoryStore(self.cache / "requirements")


def _key(source: str, recipe: str) -> str:
    return sha256_hex(f"{source} {recipe}".encode())


def _path(locked: Locked) -> str:
    # Two processes may build the same at once, and not the same bytes.
    return f"{_key(locked.source, locked.recipe)}/{locked.sha256}/{locked.filename}"
