"""Things that are kept while there is room for them: the oldest use goes first. Safe from several threads."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, of a total weight of at most `room`. What weighs more than that is not kept."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """What is kept under `key`, None for nothing."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keeps `value`, in place of what was there."""
        with self._lock:
            if key in self._held:
                self._weight -= self._held.pop(key)[1]
            if weight > self._room:
                return
            self._held[key] = (value, weight)
            self._weight += weight
            while self._weight > self._room:
                _, (_, freed) = self._held.popitem(last=False)
                self._weight -= freed
