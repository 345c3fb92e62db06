"""The policy text of c2sp.org/tlog-policy: known logs and cosigners, and which cosigners together are enough.

Names are opaque bytes, kept here as text by way of `surrogateescape`. `parse(value.text) == value`; comments and the
layout of a text are not kept. What C2SP calls "witness" is a cosigner in our words.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from witness.errors import Malformed, Unverified
from witness.escape import printable
from witness.limits import MAX_POLICY
from witness.note import KeyMaterial, VerifierKey
from witness.tlog.checkpoint import VerifiedCheckpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey

NONE: Final = "none"
MAX_LINES: Final = 10_000

_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log, and where to ask for it."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class KnownCosigner:
    """A cosigner under the name that the policy gives it."""

    name: str
    key: CosignerKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Satisfied by `threshold` of its members, each a cosigner or an earlier group."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuorumPolicy:
    """Which checkpoints to believe. `quorum` is the name of a cosigner or group, or None if none need cosign."""

    logs: tuple[KnownLog, ...]
    cosigners: tuple[KnownCosigner, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    @property
    def text(self) -> str:
        """The policy, a line for each definition."""
        lines = [_join("log", log.key.text, log.url) for log in self.logs]
        lines += [_join("witness", item.name, item.key.text, item.url) for item in self.cosigners]
        lines += [_join("group", item.name, str(item.threshold), *item.members) for item in self.groups]
        lines.append(_join("quorum", self.quorum or NONE))
        return "".join(lines)

    def satisfied_by(self, cosigned: Collection[KeyMaterial]) -> bool:
        """Whether cosignatures by the keys in `cosigned` are enough."""
        holds = {item.name: item.key.public_key in cosigned for item in self.cosigners}
        for group in self.groups:
            holds[group.name] = sum(holds[member] for member in group.members) >= group.threshold
        return self.quorum is None or holds[self.quorum]

    def open(self, data: bytes) -> VerifiedCheckpoint:
        """The checkpoint in the signed note `data`, of any of the logs, with a quorum.

        Raises:
            Malformed, Unverified: as `open_checkpoint` does; or no listed log signed it; or too few cosigned it.
        """
        keys = [item.key for item in self.cosigners]
        failure = Unverified("checkpoint: the policy names no log")
        for log in self.logs:
            try:
                opened = open_checkpoint(data, log.key, keys)
            except Unverified as error:
                failure = error
                continue
            if self.satisfied_by({item.key.public_key for item in opened.cosignatures}):
                return opened
            raise Unverified(
                f"checkpoint: cosigned by too few for the quorum {printable(str(self.quorum))!r}"
            )
        raise failure


def parse(data: bytes) -> QuorumPolicy:
    """The policy in `data`.

    Raises:
        Malformed: larger than any policy, a forbidden byte, an unknown or incomplete line, a name that is defined
            twice, not yet, or a member twice, a key twice, or not exactly one quorum.
    """
    if len(data) > MAX_POLICY:
        raise Malformed("quorum policy: larger than any policy")
    if _FORBIDDEN.search(data) or (data and not data.endswith(b"\n")):
        raise Malformed("quorum policy: a control character, or a last line without a line feed")
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")[:-1]
    if len(lines) > MAX_LINES:
        raise Malformed(f"quorum policy: more than {MAX_LINES} lines")
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if words and not words[0].startswith("#"):
            reader.read(f"quorum policy: line {number}", words)
    return reader.finish()


class _Reader:
    """Takes a policy line by line."""

    def __init__(self) -> None:
        self._logs: dict[object, KnownLog] = {}
        self._cosigners: dict[object, KnownCosigner] = {}
        self._groups: list[Group] = []
        self._names: set[str] = {NONE}
        self._members: set[str] = set()
        self._quorum: list[str | None] = []
        self._kinds: dict[str, Callable[[str, list[str]], None]] = {
            "log": self._log,
            "witness": self._cosigner,
            "group": self._group,
            "quorum": self._take_quorum,
        }

    def read(self, where: str, words: list[str]) -> None:
        kind, *rest = words
        if kind not in self._kinds:
            raise Malformed(f"{where}: neither a log, a witness, a group nor the quorum")
        self._kinds[kind](where, rest)

    def finish(self) -> QuorumPolicy:
        if len(self._quorum) != 1:
            raise Malformed(f"quorum policy: {len(self._quorum)} quorum lines instead of one")
        return QuorumPolicy(
            tuple(self._logs.values()), tuple(self._cosigners.values()), tuple(self._groups), self._quorum[0]
        )

    def _log(self, where: str, words: list[str]) -> None:
        _expect(len(words) in (1, 2), where, "a log has a key, and perhaps an address")
        log = KnownLog(VerifierKey.parse(words[0]), *words[1:])
        _expect(log.key.public_key not in self._logs, where, "a log's key twice")
        self._logs[log.key.public_key] = log

    def _cosigner(self, where: str, words: list[str]) -> None:
        _expect(len(words) in (2, 3), where, "a witness has a name, a key, and perhaps an address")
        self._define(where, words[0])
        cosigner = KnownCosigner(words[0], CosignerKey.parse(words[1]), *words[2:])
        _expect(cosigner.key.public_key not in self._cosigners, where, "a witness's key twice")
        self._cosigners[cosigner.key.public_key] = cosigner

    def _group(self, where: str, words: list[str]) -> None:
        _expect(len(words) > 2, where, "a group has a name, a threshold and members")
        name, wanted, *members = words
        threshold = {"any": "1", "all": str(len(members))}.get(wanted, wanted)
        _expect(_NUMBER.fullmatch(threshold), where, "a threshold is any, all or a number")
        _expect(int(threshold) <= len(members), where, "a threshold beyond the number of members")
        for member in members:
            _expect(member in self._names - {NONE}, where, "a member that is not defined before")
            _expect(member not in self._members, where, "a member that was one already")
            self._members.add(member)
        self._define(where, name)
        self._groups.append(Group(name, int(threshold), tuple(members)))

    def _take_quorum(self, where: str, words: list[str]) -> None:
        _expect(len(words) == 1 and words[0] in self._names, where, "a quorum is one name defined before")
        self._quorum.append(None if words[0] == NONE else words[0])

    def _define(self, where: str, name: str) -> None:
        _expect(name not in self._names, where, "a name that is taken")
        self._names.add(name)


def _expect(holds: object, where: str, otherwise: str) -> None:
    if not holds:
        raise Malformed(f"{where}: {otherwise}")


def _join(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None) + "\n"
