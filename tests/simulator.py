"""A network with liars among its witnesses, behind the seam that consumers ask through.

Everything but the network is real: keys, signatures, logs, cosignatures, bundles, `Client`, `LogWatch`, `verify_bundle`
and the policy. What a witness may do is a table, `CONDUCTS`: from what it really saw to what it serves. A colluder may
have further nodes (Sybils), knows what everybody else serves, and cosigns whatever another colluder likes; whoever is
honest cosigns one history of each log.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Final, Literal

from tests.integration.trusted_nodes import NOW, SHA, WHEEL, Node, key_file, policy, stated
from witness import bundle, statement
from witness.client import Client
from witness.digest import sha256_hex
from witness.errors import FetchFailed, NotFound
from witness.evidence import Artifact
from witness.log.watch import LogWatch
from witness.policy import TrustedWitness
from witness.signing.named import NodeSigners
from witness.verdict import Verdict

Truth = Literal["match", "mismatch", "build-failed"]
Lines = tuple[bytes, ...]
ARTIFACT: Final = Artifact(SHA, WHEEL, "demo", "1.0")
HONEST: Final = ("honest", "slow", "omits", "dead")  # what a witness without a plan may do
EVERYTHING: Final = frozenset({"bitwise", "archive", "metadata", "content", "static"})


@dataclass(frozen=True)
class Thief(Node):
    """A node that has stolen the key by which `victim` signs observations, though not the key of its log."""

    victim: str = ""

    @property
    def signers(self) -> NodeSigners:
        return replace(super().signers, observations=key_file(f"{self.victim} observations"))


@dataclass(frozen=True)
class Member:
    """A witness of the network: what it saw, what it does about it, and how many nodes it has."""

    operator: int
    truth: Truth
    conduct: str
    nodes: int = 1
    country: str = "NL"

    @property
    def witnesses(self) -> tuple[Node, ...]:
        """Its nodes, each under a name of its own."""
        return tuple(
            Node(f"node-{self.operator}-{number}", f"Operator {self.operator}")
            for number in range(self.nodes)
        )


@dataclass(frozen=True)
class View:
    """What a node knows when it answers.

    `other` is the node of an honest answer. `vouching` cosign the first history of this node's log that they are shown,
    and `colluding`, some of them, any other one too. None is of its own operator.
    """

    node: Node
    truth: Truth
    other: Node
    vouching: tuple[Node, ...] = ()
    colluding: tuple[Node, ...] = ()

    def says(self, truth: str, index: int = 0, **changes: object) -> bytes:
        """A bundle of the history that everybody is shown."""
        return _line(self.node, truth, self.vouching, index, **changes)

    def forks(self, truth: str, index: int = 0) -> bytes:
        """A bundle of a history that is kept from whoever would tell."""
        return _line(self.node, truth, self.colluding, index)


@cache
def _line(
    node: Node, truth: str, cosigned_by: tuple[Node, ...] = (), index: int = 0, **changes: object
) -> bytes:
    return bundle.encode(node.bundle(stated(node, truth, **changes), index=index, cosigned_by=cosigned_by))


@cache
def _contradiction(node: Node) -> bytes:
    """Says bitwise, and names another file as the one that was rebuilt."""
    said = statement.encode(stated(node))
    rebuilt = b'"rebuilt":{"digest":{"sha256":"'
    head, tail = said.rsplit(rebuilt, 1)
    return bundle.encode(node.bundle_of(head + rebuilt + b"0" * 64 + tail[64:]))


def _stolen(view: View) -> Lines:
    return (_line(Thief(view.node.name, view.node.operator, victim=view.other.name), "match"),)


def _slow(view: View) -> Lines:
    time.sleep(0.002)
    return (view.says(view.truth),)


def _unreachable(view: View) -> Lines:
    raise FetchFailed("no answer within the time allowed")


def _nothing(view: View) -> Lines:
    raise NotFound("no shard of this digest")


CONDUCTS: Final[Mapping[str, Callable[[View], Lines]]] = {
    "honest": lambda view: (view.says(view.truth),),
    "slow": _slow,
    "says match": lambda view: (view.says("match"),),
    "says mismatch": lambda view: (view.says("mismatch"),),
    "says archive of another payload": lambda view: (view.says("match", level="archive", payload="x"),),
    "says match of another sdist": lambda view: (view.says("match", sdist="5" * 64),),
    "says match after many attempts": lambda view: (view.says("match", attempts=50),),
    "contradicts itself": lambda view: (_contradiction(view.node),),
    "equivocates": lambda view: (view.forks("match", 1), view.says(view.truth, 1)),
    "another history": lambda view: (view.forks("match"),),
    "another, longer history": lambda view: (view.forks("match", 3),),
    "stale head": lambda view: (view.says("match", 0),),
    "changes its mind": lambda view: (view.says(view.truth, 0), view.says("match", 1)),
    "copies": lambda view: (_line(view.other, "match"),),
    "stolen key": _stolen,
    "another name": lambda view: (view.says("match", filename="evil-1.0-py3-none-any.whl"),),
    "another file": lambda view: (view.says("match", sha256=sha256_hex(b"another file")),),
    "repeats": lambda view: (view.says("match"),) * 3,
    "old": lambda view: (view.says("match", finished=NOW - timedelta(days=500)),),
    "rubbish": lambda view: (b"{}", b"\x00" * 100),
    "omits": _nothing,
    "dead": _unreachable,
}


@dataclass(frozen=True)
class Source:
    """An `ObservationSource` that does as its witness pleases."""

    view: View
    conduct: str

    def lines(self, sha256: str) -> Lines:
        return CONDUCTS[self.conduct](self.view)


def ask(members: Sequence[Member], watch: LogWatch | None = None, **rules: object) -> Verdict:
    """What a consumer who trusts every one of `members`, by the policy `rules`, gets to hear about `ARTIFACT`.

    `watch` is his memory of what he was shown before.
    """
    sources = {
        node.name: Source(_view(node, member, members), member.conduct)
        for member in members
        for node in member.witnesses
    }
    trusted = tuple(
        TrustedWitness(node.identity, f"https://{node.name}.example/", (("country", member.country),))
        for member in members
        for node in member.witnesses
    )
    client = Client(policy(**{"witnesses": trusted, **rules}), sources, workers=1, watch=watch)
    (verdict,) = client.judge([ARTIFACT], NOW)
    return verdict


def _view(node: Node, member: Member, members: Sequence[Member]) -> View:
    others = [other for other in members if other is not member]
    return View(
        node=node,
        truth=member.truth,
        other=others[0].witnesses[0] if others else node,
        vouching=tuple(other.witnesses[0] for other in others if other.conduct != "dead"),
        colluding=tuple(other.witnesses[0] for other in others if other.conduct not in HONEST),
    )
