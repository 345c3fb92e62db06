"""Snapshots: verified copies of the logs of a policy's witnesses in one directory, asked instead of the witnesses.

    snapshot.json                         which logs, and when each was last seen
    logs/<SHA-256 of the log's key>/      the copy, as witness.mirror makes it

A snapshot is believed no more than a node: every bundle in it is verified. What it cannot know is what was said since,
so it says how old it is, and beyond a policy's bound its witnesses are silent. That a log was seen at a time is the
word of whoever made the snapshot; what a witness said when is signed, and ages as it does elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from witness import canonical
from witness.digest import sha256_hex
from witness.errors import FetchFailed, InputError, Malformed
from witness.escape import printable
from witness.limits import MIB
from witness.note import VerifierKey
from witness.observation import Count, Time, Wire, format_time
from witness.policy import Policy, TrustedWitness
from witness.sources.directory import DirectorySource

SCHEMA: Final = "snapshot/1"
INDEX: Final = "snapshot.json"
MAX_INDEX: Final = 4 * MIB
_FUTURE: Final = timedelta(days=1)  # as of observations: a day is a wrong clock or a lie


class HeldLog(Wire):
    """One log of a snapshot: its key as a vkey, how many entries the copy has, and when they were all it had."""

    log_key: Annotated[str, Field(max_length=4000)]
    entries: Count
    seen: Time


class Index(Wire):
    """`snapshot.json`."""

    schema_: Literal["snapshot/1"] = Field(alias="schema")
    logs: tuple[HeldLog, ...] = ()


@dataclass(frozen=True, slots=True)
class TooOld:
    """An `ObservationSource` and `KeyEventSource` of a witness whose log a snapshot lacks, or saw too long ago."""

    reason: str

    def lines(self, sha256: str) -> tuple[bytes, ...]:
        del sha256
        raise FetchFailed(self.reason)

    def key_events(self) -> tuple[bytes, ...]:
        raise FetchFailed(self.reason)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot in `root`."""

    root: Path
    logs: tuple[HeldLog, ...]

    def seen(self, key: VerifierKey) -> HeldLog | None:
        """What it has of the log of `key`."""
        return next((log for log in self.logs if log.log_key == key.text), None)

    def source(self, witness: TrustedWitness, policy: Policy, now: datetime) -> TooOld | DirectorySource:
        """Where to ask for what `witness` said, at `now`."""
        log = self.seen(witness.identity.log_key)
        if log is None:
            return TooOld("its log is not in the snapshot")
        age = now - log.seen
        if age > timedelta(days=policy.max_snapshot_days):
            return TooOld(
                f"the snapshot last saw its log {age.days} days ago, more than the {policy.max_snapshot_days} allowed"
            )
        if age < -_FUTURE:
            return TooOld(
                f"the snapshot says that it saw its log at {format_time(log.seen)}, which is to come"
            )
        return DirectorySource(directory_of(self.root, witness.identity.log_key) / "site")


def directory_of(root: Path, key: VerifierKey) -> Path:
    """Where a snapshot has the log of `key`."""
    return root / "logs" / sha256_hex(key.text.encode())


def read_snapshot(root: Path) -> Snapshot:
    """The snapshot in `root`. Raises `InputError` if there is none."""
    path = root / INDEX
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_INDEX + 1)
    except OSError as error:
        raise InputError(
            f"{shown}: {error.strerror}", hint=f"`wheelwitness snapshot {printable(str(root))}` makes one."
        ) from None
    try:
        return Snapshot(root, parse_index(data).logs)
    except Malformed as error:
        raise InputError(f"{shown}: {error}", hint="Make the snapshot again.") from None


def encode_index(logs: Sequence[HeldLog]) -> bytes:
    """The bytes of `snapshot.json`. `parse_index(encode_index(logs)).logs == tuple(logs)`."""
    return canonical.dumps(Index(schema_=SCHEMA, logs=tuple(logs)).wire()) + b"\n"


def parse_index(data: bytes) -> Index:
    """Raises `Malformed`."""
    value = canonical.loads_canonical(data.removesuffix(b"\n"), what=INDEX, limit=MAX_INDEX)
    try:
        index = Index.model_validate_json(canonical.dumps(value))
    except ValidationError as error:
        raise Malformed(f"{INDEX}: {error.error_count()} values are not of the form snapshot/1") from None
    if len({log.log_key for log in index.logs}) != len(index.logs):
        raise Malformed(f"{INDEX}: a log twice")
    return index
