"""A network with liars among its witnesses, behind the seam that consumers ask through.

Everything but the network is real: keys, signatures, logs, bundles, `Client`, `verify_bundle` and the policy. What a
witness may do is a table, `CONDUCTS`: from what it really saw to what it serves. A colluder may also have a second node
(a Sybil), and knows what everybody else serves.

Time passes, too. Everybody who builds does it on one day. Who commits first has it cosigned within the hour, and
reveals it when the day ends; who does not, publishes at once. Who copies waits until there is something to be read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Literal

from tests.integration.trusted_nodes import NOW, SHA, WHEEL, Node, key_file, policy, stated
from witness import bundle, statement
from witness.client import Client
from witness.digest import sha256_hex
from witness.errors import FetchFailed, NotFound
from witness.evidence import Artifact
from witness.signing.named import NodeSigners
from witness.verdict import Verdict

Truth = Literal["match", "mismatch", "build-failed"]
BUILT: Final = NOW - timedelta(days=5)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
Lines = tuple[bytes, ...]
ARTIFACT: Final = Artifact(SHA, WHEEL, "demo", "1.0")
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
    """A witness of the network: what it saw, what it does about it, how many nodes it has, whether it commits first."""

    operator: int
    truth: Truth
    conduct: str
    nodes: int = 1
    commits: bool = False

    @property
    def readable(self) -> datetime:
        """When what it built can be read."""
        return BUILT + (DAY if self.commits else timedelta(0))

    @property
    def witnesses(self) -> tuple[Node, ...]:
        """Its nodes, each under a name of its own."""
        return tuple(
            Node(f"node-{self.operator}-{number}", f"Operator {self.operator}")
            for number in range(self.nodes)
        )


@dataclass(frozen=True)
class View:
    """What a node knows when it answers: itself, what it saw, and the honest answer of another witness.

    `readable`: when the first result of another could be read. `friends` cosign whatever it wants, and `others` only
    what they see, when they see it.
    """

    node: Node
    truth: Truth
    other: Node
    commits: bool
    readable: datetime
    friends: tuple[Node, ...]
    others: tuple[Node, ...]


@cache
def _line(node: Node, truth: str, index: int = 0, **changes: str) -> bytes:
    return bundle.encode(node.bundle(stated(node, truth, **changes), index=index))


@cache
def _made(node: Node, truth: str, at: datetime) -> bytes:
    """Published at once."""
    return bundle.encode(node.bundle(stated(node, truth, finished=at)))


@cache
def _committed(
    node: Node, truth: str, at: datetime, seen_by: tuple[Node, ...], backdated_by: tuple[Node, ...] = ()
) -> bytes:
    """Committed to an hour after it was made, and revealed when that day ended."""
    midnight = (at + HOUR).replace(hour=0) + DAY
    item = node.committed(
        stated(node, truth, finished=at), at=at + HOUR, until=midnight, revealed_at=midnight,
        cosigned_by=seen_by, backdated_by=backdated_by, backdated=BUILT + HOUR,
    )  # fmt: skip
    return bundle.encode(item)


def _honest(view: View) -> Lines:
    if view.commits:
        return (_committed(view.node, view.truth, BUILT, view.others),)
    return (_made(view.node, view.truth, BUILT),)


def _copy(view: View) -> Lines:
    """The same result as the others', under its own key, as soon as there is one to be read."""
    if view.commits:
        return (_committed(view.node, "match", view.readable, view.others),)
    return (_made(view.node, "match", view.readable),)


def _copy_unseen(view: View) -> Lines:
    """With a commitment that is as old as could be, and that nobody but friends is said to have seen."""
    return (_committed(view.node, "match", BUILT, ()),)


def _copy_backdated(view: View) -> Lines:
    """With a commitment that friends say to have seen when there was nothing to be read."""
    return (_committed(view.node, "match", view.readable, view.others, view.friends),)


def _copy_opening(view: View) -> Lines:
    """With the commitment that another has opened."""
    theirs = bundle.parse(_committed(view.other, "match", BUILT, view.others))
    mine = bundle.parse(_made(view.node, "match", view.readable))
    return (bundle.encode(replace(mine, opening=theirs.opening)),)


@cache
def _contradiction(node: Node) -> bytes:
    """Says bitwise, and names another file as the one that was rebuilt."""
    said = statement.encode(stated(node))
    rebuilt = b'"rebuilt":{"digest":{"sha256":"'
    head, tail = said.rsplit(rebuilt, 1)
    return bundle.encode(node.bundle_of(head + rebuilt + b"0" * 64 + tail[64:]))


@cache
def _old(node: Node) -> bytes:
    return bundle.encode(node.bundle(stated(node, finished=NOW - timedelta(days=500))))


def _stolen(view: View) -> Lines:
    return (_line(Thief(view.node.name, view.node.operator, victim=view.other.name), "match"),)


def _unreachable(view: View) -> Lines:
    raise FetchFailed("no answer within the time allowed")


def _nothing(view: View) -> Lines:
    raise NotFound("no shard of this digest")


CONDUCTS: Final[Mapping[str, Callable[[View], Lines]]] = {
    "honest": _honest,
    "says match": lambda view: (_line(view.node, "match"),),
    "says mismatch": lambda view: (_line(view.node, "mismatch"),),
    "says archive of another payload": lambda view: (
        _line(view.node, "match", level="archive", payload="x"),
    ),
    "says match of another sdist": lambda view: (_line(view.node, "match", sdist="5" * 64),),
    "contradicts itself": lambda view: (_contradiction(view.node),),
    "equivocates": lambda view: (_line(view.node, "match", 1), _line(view.node, view.truth, 1)),
    "stale head": lambda view: (_line(view.node, "match", 0),),
    "changes its mind": lambda view: (_line(view.node, view.truth, 0), _line(view.node, "match", 1)),
    "copies": lambda view: (_line(view.other, "match"),),
    "copies the result": _copy,
    "copies, and commits unseen": _copy_unseen,
    "copies, and friends backdate": _copy_backdated,
    "copies, and opens another's commitment": _copy_opening,
    "guesses": lambda view: (_committed(view.node, "match", BUILT, view.others),),
    "stolen key": _stolen,
    "another name": lambda view: (_line(view.node, "match", filename="evil-1.0-py3-none-any.whl"),),
    "another file": lambda view: (_line(view.node, "match", sha256=sha256_hex(b"another file")),),
    "repeats": lambda view: (_line(view.node, "match"),) * 3,
    "old": lambda view: (_old(view.node),),
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


def ask(members: Sequence[Member], **rules: object) -> Verdict:
    """What a consumer who trusts every one of `members`, by the policy `rules`, gets to hear about `ARTIFACT`."""
    nodes = [(member, node) for member in members for node in member.witnesses]
    others = {
        node.name: next((other for _, other in nodes if other.operator != node.operator), node)
        for _, node in nodes
    }
    honest = [member for member in members if member.conduct == "honest"]
    readable = min((member.readable for member in honest), default=BUILT)
    friends = [member for member in members if member not in honest]

    def view(member: Member, node: Node) -> View:
        seeing = (
            honest if member in friends else members
        )  # honest operators cosign what they are shown, liars too
        apart = [
            tuple(item.witnesses[0] for item in part if item.operator != member.operator)
            for part in (friends, seeing)
        ]
        return View(node, member.truth, others[node.name], member.commits, readable, *apart)

    sources = {node.name: Source(view(member, node), member.conduct) for member, node in nodes}
    client = Client(policy(*(node for _, node in nodes), **rules), sources, workers=1)
    (verdict,) = client.judge([ARTIFACT], NOW)
    return verdict
