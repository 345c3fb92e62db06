"""Brings the files of a site to a destination, those that are not there yet: step by step, in bounded portions."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from rebuilders.destinations.interface import MAX_AT_ONCE, MAX_FILE, Destination, Item
from rebuilders.destinations.manifest import Manifest, Sent
from rebuilders.destinations.walk import APART, DATA, TILES, Found, Step, files, is_path, look, tops
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError, Unverified
from witness.escape import printable

_PORTION: Final = 512  # files that are looked at together
_END: Final = "\U0010ffff"  # after every path
_NEW: Final = Sent("", "", "", "")  # stands for the row that there is not


@dataclass(slots=True)
class Transfer:
    """One push: the site, where it goes, and what is known of the files there; and how much was sent and deleted."""

    site: Path
    destination: Destination
    manifest: Manifest
    tell: Callable[[str], None]
    now: Callable[[], float] = time.time
    sent: int = 0
    volume: int = 0
    deleted: int = 0
    _told: set[str] = field(default_factory=set)

    def step(self, step: Step) -> None:
        """Sends what has changed of a step's files. Raises as `Destination.send` does, and Unverified."""
        names = {name for name in tops(self.site) | self.manifest.tops() if step.takes(name)}
        for name in sorted(names):
            self._send(self._changed(name, step))

    def put(self, path: str, data: bytes) -> None:
        """Sends one file as it was when the copy began, unless it is there."""
        row = next(self.manifest.known(path, path), _NEW)
        self._send(self._compared([(Found(path, "", len(data)), row, data)]))

    def there(self, wanted: Iterable[tuple[str, ...]]) -> str | None:
        """The first of the `wanted` files that is not at the destination, by the first of its paths; else None."""
        return next((paths[0] for paths in wanted if not self.manifest.there(paths)), None)

    def adopt(self, *, own: bool) -> None:
        """Makes the manifest anew from a listing.

        Without `own`, the destination holds no checkpoint of this log: what is there may be anybody's, so nothing will
        be deleted, and no page is replaced that is not the site's.

        Raises:
            InputError: a page of another is in the way.
        """
        self.manifest.clear()
        held = iter(self.destination.held())
        while portion := list(islice(held, _PORTION)):
            rows = []
            for item in portion:
                ours = item.path.partition("/")[0] in {TILES, *DATA}
                found = look(self.site / item.path, item.path)
                if found is not None and not own and not ours and item.path not in APART:
                    self._check_same(item.path, item.fingerprint)
                if found is not None or (own and ours):
                    rows.append(Sent(item.path, "", "", item.fingerprint))
            self.manifest.record(rows)

    def _check_same(self, path: str, fingerprint: str) -> None:
        data = self._read(path)
        if data is not None and self.destination.fingerprint(Item(path, data)) != fingerprint:
            raise InputError(
                f"{path}: there is another file of this name, and no site of this node",
                hint="Choose a directory or a prefix that is the site's alone; or remove that file.",
            )

    def delete(self, grace: float) -> None:
        """Deletes what the site has not had for `grace` seconds."""
        before = self.now() - grace
        while paths := self.manifest.due(before, _PORTION):
            back = [path for path in paths if look(self.site / path, path) is not None]
            going = [path for path in paths if path not in back and path not in APART]
            self.destination.delete(going)
            self.manifest.forget(paths)  # what came back is sent by the next push
            self.deleted += len(going)

    def _changed(self, top: str, step: Step) -> Iterator[tuple[Item, Sent]]:
        def has(path: str) -> bool:
            return path not in APART and step.has(path)

        low = top
        found = files(self.site, top, has, self._leave_out)
        while True:
            portion = list(islice(found, _PORTION))
            high = portion[-1].path if len(portion) == _PORTION else f"{top}/{_END}"
            rows: dict[str, Sent] = {item.path: _NEW for item in portion}
            missed: list[Sent] = []
            for row in self.manifest.known(low, high):
                if row.path in rows:
                    rows[row.path] = row
                elif row.gone is None and row.path.split("/")[0] == top and has(row.path):
                    missed.append(row)
                if len(missed) == _PORTION:
                    self._miss(missed)
                    missed.clear()
            self._miss(missed)
            yield from self._compared((item, rows[item.path], None) for item in portion)
            if len(portion) < _PORTION:
                return
            low = f"{high}\0"  # the next there can be

    def _compared(self, items: Iterable[tuple[Found, Sent, bytes | None]]) -> Iterator[tuple[Item, Sent]]:
        """Those that must be sent, each with the row that says so afterwards."""
        same: list[Sent] = []
        for found, row, given in items:
            if found.stat and row.stat == found.stat and row.gone is None:
                continue
            data = self._read(found.path) if given is None else given
            if data is None:
                continue
            item = Item(found.path, data)
            sha256 = sha256_hex(data)
            if self._is_there(row, item, sha256):
                same.append(replace(row, stat=found.stat, sha256=sha256, gone=None))
                continue
            yield item, Sent(found.path, found.stat, sha256, self.destination.fingerprint(item))
        self.manifest.record(same)

    def _is_there(self, row: Sent, item: Item, sha256: str) -> bool:
        if not row.sha256:
            return bool(row.fingerprint) and row.fingerprint == self.destination.fingerprint(item)
        if row.sha256 != sha256 and item.path.startswith(f"{TILES}/"):
            raise Unverified(
                f"{item.path}: other bytes than were sent, and a tile never changes",
                hint="`wheelwitness log check` says whether the site or the destination is damaged.",
            )
        return row.sha256 == sha256

    def _miss(self, rows: Iterable[Sent]) -> None:
        """Notes that the site has no more the files of `rows`, which were not found, unless they came meanwhile."""
        now = self.now()
        gone = [replace(row, gone=now) for row in rows if look(self.site / row.path, row.path) is None]
        if gone:
            self.manifest.record(gone)

    def _send(self, changed: Iterator[tuple[Item, Sent]]) -> None:
        for portion in _portions(changed, self.destination.at_once):
            # What is cut off may be there, in which form nobody knows: it is sent again, or deleted some day.
            self.manifest.record(Sent(item.path, "", "", "") for item, _ in portion)
            self.destination.send([item for item, _ in portion])
            self.manifest.record(row for _, row in portion)
            self.sent += len(portion)
            self.volume += sum(len(item.data) for item, _ in portion)

    def _read(self, path: str) -> bytes | None:
        """The bytes of the site's file, all of one version of it; None if it is gone, or too large to be one."""
        try:
            # Not where a link leads to, which may have come in the place of what was found.
            descriptor = os.open(self.site / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(MAX_FILE + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Incomplete(f"{self.site / path}: {error.strerror}") from None
        if len(data) > MAX_FILE:
            self._leave_out(path)
            return None
        return data

    def _leave_out(self, path: str) -> None:
        if path not in self._told and len(self._told) < 20:
            self._told.add(path)
            why = f"more than {MAX_FILE} bytes" if is_path(path) else "a name that not every server can have"
            self.tell(f"left out: {printable(path)}: {why}")


def _portions(changed: Iterator[tuple[Item, Sent]], at_once: int) -> Iterator[list[tuple[Item, Sent]]]:
    portion: list[tuple[Item, Sent]] = []
    size = 0
    for item, row in changed:
        if portion and size + len(item.data) > MAX_AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append((item, row))
        size += len(item.data)
        if len(portion) == at_once:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
