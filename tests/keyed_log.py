"""A witness's log of observations and key events by whatever keys a test wants, whether they may or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tests.integration.trusted_nodes import ALPHA, NOW, stated
from tests.signed_log import Log, ecdsa_key, key
from witness import dsse, keyevent, statement
from witness.bundle import Bundle
from witness.keychain import Followed, KeyChain, follow
from witness.keyevent import Revocation, Rotation
from witness.log.shards import add_bundles
from witness.signing.interface import Signer
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore
from witness.verification import WitnessIdentity

FIRST: Signer = ALPHA.signers.observations
SECOND: Signer = ecdsa_key("second")
THIRD: Signer = key("third")
LOG = ALPHA.identity.log_key.text


def rotation(
    old: Signer, new: Signer, *, expires: datetime | None = None, witness: str = "alpha", log: str = LOG
):
    """A rotation as its witness would make it."""
    event = Rotation(witness, log, NOW, old.public_key, new.public_key, expires)
    return keyevent.possessed(event, new.sign)


def revocation(key_: Signer, start: int, *, reason: str = "stolen", witness: str = "alpha", log: str = LOG):
    return Revocation(witness, log, NOW, key_.public_key, start, reason)


def sealed(event, signer: Signer) -> bytes:
    return keyevent.seal(event, signer.public_key, signer.sign)


def observation(signer: Signer, **what) -> bytes:
    payload = statement.encode(stated(ALPHA, **what))
    return dsse.encode(dsse.seal(payload, signer.public_key, signer.sign))


@dataclass
class KeyedLog:
    """The log of `ALPHA`. Each method appends an entry, and returns its index."""

    log: Log = field(default_factory=lambda: Log.new(ALPHA.signers))
    entries: list[bytes] = field(default_factory=list)

    def add(self, entry: bytes) -> int:
        self.log.append([entry], at=int(NOW.timestamp()) - 1000 + len(self.entries))
        self.entries.append(entry)
        return len(self.entries) - 1

    def observe(self, signer: Signer = FIRST, **what) -> int:
        return self.add(observation(signer, **what))

    def rotate(self, old: Signer, new: Signer, *, by: Signer | None = None, **what) -> int:
        return self.add(sealed(rotation(old, new, **what), by or old))

    def revoke(self, key_: Signer, start: int, *, by: Signer, **what) -> int:
        return self.add(sealed(revocation(key_, start, **what), by))

    def bundles(self) -> list[Bundle]:
        reader = self.log.reader()
        return [Bundle(entry, reader.proof(index)) for index, entry in enumerate(self.entries)]

    def events(self) -> list[Bundle]:
        return [item for item in self.bundles() if keyevent.is_event(item.entry)]

    def follow(self, *pins: Signer) -> Followed:
        return follow(pinning(*pins), self.events())

    def chain(self, *pins: Signer) -> KeyChain:
        return self.follow(*pins).chain

    def publish(self, site: Path) -> Path:
        """Writes the site that a node with this log would have, in place of any before."""
        store = DirectoryStore(site)
        assert isinstance(self.log.store, MemoryStore)
        for path, data in self.log.store.files.items():
            store.put(path, data)
        add_bundles(store, self.log.reader(), enumerate(self.entries))
        return site


def pinning(*pins: Signer) -> WitnessIdentity:
    """`ALPHA`, by the keys of `pins`: its first alone, if there are none."""
    return replace(ALPHA.identity, keys=tuple(signer.public_key for signer in pins or (FIRST,)))


def heard(chain: KeyChain, log: KeyedLog, indexes: Sequence[int]) -> list[int]:
    """Those of the entries at `indexes` that `chain` opens."""
    found = []
    for index in indexes:
        try:
            chain.open(log.entries[index], index)
        except Exception as error:  # noqa: BLE001 - which error is for other tests
            assert type(error).__name__ in ("Unverified", "Withdrawn"), error  # noqa: PT017
        else:
            found.append(index)
    return found
