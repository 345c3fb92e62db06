"""A destination in memory, for tests and dry runs."""

from collections.abc import Iterator, Sequence

from rebuilders.destinations.interface import Held, Item
from witness.digest import sha256_hex
from witness.store.memory import MemoryStore


class MemoryDestination:
    """Keeps files in `store`."""

    at_once = 512

    def __init__(self) -> None:
        self.store = MemoryStore()

    def get(self, path: str, *, limit: int) -> bytes:
        """See `Destination.get`."""
        return self.store.get(path, limit=limit)

    def held(self) -> Iterator[Held]:
        """See `Destination.held`."""
        return (Held(path, sha256_hex(data)) for path, data in list(self.store.files.items()))

    def fingerprint(self, item: Item) -> str:
        """See `Destination.fingerprint`."""
        return sha256_hex(item.data)

    def send(self, items: Sequence[Item]) -> None:
        """See `Destination.send`."""
        for item in items:
            self.store.put(item.path, item.data)

    def delete(self, paths: Sequence[str]) -> None:
        """See `Destination.delete`."""
        for path in paths:
            self.store.remove(path)

    def tidy(self) -> None:
        """See `Destination.tidy`."""

    def close(self) -> None:
        """See `Destination.close`."""
