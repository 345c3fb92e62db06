"""Which members of a network attest to which file, decided by each node for itself: rendezvous hashing. Pure.

Every member has, for each file, a lot that anybody can compute: the SHA-256 of the salt, the file's key and the
member's name. The `redundancy` members with the highest lots have the file as their share (highest random weight:
Thaler and Ravishankar, "A name-based mapping scheme for rendezvous", 1996). So nodes that have the same `[share]` in
their node.toml agree without talking to each other; when a member comes or goes, only files that it has or had change
hands.

A member of weight w has w lots and counts by the highest of them: its chance is as that of w members. Whole numbers and
digests are compared, no floating point numbers, so that every machine finds the same order.

What a share is good for, and what an attacker can do about it, is in docs/adr/0046-shares.md: it says who looks first,
and never whom a consumer believes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from witness.errors import InputError
from witness.escape import printable

MAX_MEMBERS: Final = 10_000
MAX_WEIGHT: Final = 100
_DOMAIN: Final = b"wheelwitness share/1\n"
_HINT: Final = "Correct [share] in node.toml; see docs/reference/node-toml.md."

Rest = Literal["later", "never"]
Duty = Literal["mine", "later", "never"]


def share_key(filename: str, sha256: str | None) -> str:
    """What a published file is known by here: its digest, or its name where the index tells no digest."""
    return sha256 or filename


@dataclass(frozen=True, slots=True)
class Shares:
    """How the work is split over `members`, names of nodes in any order, `redundancy` of whom see to each file.

    `weights` are whole numbers from 1 to 100 by member, 1 where none is named. `salt` is any text that the members
    agree on.

    Raises:
        InputError: what is given makes no sense; the message names the key of `[share]` in node.toml.
    """

    members: tuple[str, ...]
    redundancy: int
    weights: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    salt: str = ""
    _lots: Mapping[str, tuple[bytes, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if problem := _problem(self.members, self.redundancy, self.weights):
            raise InputError(f"share.{problem}", hint=_HINT)
        lots = {
            name: tuple(
                b"%d\n%s" % (number, name.encode("utf-8", "surrogatepass"))
                for number in range(self.weights.get(name, 1))
            )
            for name in self.members
        }
        object.__setattr__(self, "_lots", lots)

    def mine(self, node: str, key: str) -> bool:
        """Whether the file known by `key` is among the shares of `node`. Raises InputError as `rank` does."""
        return self.rank(node, key) < self.redundancy

    def rank(self, node: str, key: str) -> int:
        """The place of `node` in `order(key)`, from 0.

        Raises:
            InputError: `node` is no member.
        """
        if node not in self._lots:
            raise InputError(
                f"share.members: {printable(node)!r}, this node's name, is not among them", hint=_HINT
            )
        seed = self._seed(key)
        own = _standing(seed, node, self._lots[node])
        return sum(_standing(seed, name, lots) > own for name, lots in self._lots.items())

    def order(self, key: str) -> tuple[str, ...]:
        """All members, those first who come first for the file known by `key`."""
        seed = self._seed(key)
        standings = [_standing(seed, name, lots) for name, lots in self._lots.items()]
        return tuple(name for _, name in sorted(standings, reverse=True))

    def owners(self, key: str) -> tuple[str, ...]:
        """The members whose share the file known by `key` is: `redundancy` of them, the first of `order`."""
        return self.order(key)[: self.redundancy]

    def _seed(self, key: str) -> "hashlib._Hash":
        salt, name = (
            hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (self.salt, key)
        )
        return hashlib.sha256(_DOMAIN + salt + name)


def duty(shares: Shares | None, node: str, key: str, rest: Rest = "later") -> Duty:
    """What `node` does about the file known by `key`: it is `mine`, or its turn comes `later`, or `never`.

    Without shares everything is a node's own. What is `later` waits behind everything else, whatever priorities the
    caller has; within it the caller's own order holds.
    """
    return "mine" if shares is None or shares.mine(node, key) else rest


def _standing(seed: "hashlib._Hash", name: str, lots: tuple[bytes, ...]) -> tuple[bytes, str]:
    """The highest lot of a member, and his name, should two ever be equal."""
    best = b""
    for lot in lots:
        state = seed.copy()
        state.update(lot)
        best = max(best, state.digest())
    return best, name


def _problem(members: tuple[str, ...], redundancy: int, weights: Mapping[str, int]) -> str:
    """What is wrong, beginning with the key, or nothing."""
    names = set(members)
    if not 1 <= len(members) <= MAX_MEMBERS:
        return f"members: {len(members)} names, and not 1 to {MAX_MEMBERS}"
    if len(names) < len(members):
        twice = next(name for name in members if members.count(name) > 1)
        return f"members: {printable(twice)!r} is named twice"
    if not 1 <= redundancy <= len(members):
        return f"redundancy: {redundancy}, and not 1 to {len(members)}, the number of members"
    if strangers := sorted(set(weights) - names):
        return f"weights: {printable(strangers[0])!r} is not among the members"
    for name, weight in sorted(weights.items()):
        if isinstance(weight, bool) or not 1 <= weight <= MAX_WEIGHT:
            return f"weights: {printable(name)!r} has {weight}, and not 1 to {MAX_WEIGHT}"
    return ""
