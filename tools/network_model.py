"""A network of nodes that split their work by `[share]`, and what a consumer can count of it, as time passes. Pure.

Real are the shares (rebuilders.node.shares) and the rule by which observations add up: `outcome` is held against
witness.verdict in tests/unit/test_network_model.py. Everything else is assumed, and is a number in `World` or a row of
`KINDS`.

Nodes do not talk to each other, so each has a time line of its own: a queue, first come first served, that moves while
the node is up. A build that is interrupted goes on where it was, which flatters by seconds. Times are seconds since the
beginning, a Monday, 0:00 UTC. One simulated file stands for several, which take its time together.
"""

import bisect
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Final, Literal, NamedTuple

from rebuilders.node.shares import Shares
from witness.digest import sha256_hex

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
NEVER: Final = math.inf
FUTURE: Final = DAY  # as witness.vote has it: what is dated later than that is not counted yet
DEPTH: Final = 48  # members of an order that are kept: enough for the owners, whoever of them has left

Nature = Literal["equal", "different", "unbuildable"]
Result = Literal["match", "mismatch", "build-failed"]
Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Kind:
    """Of machines: what part of all nodes are such, and hours a day and days a week that one is on.

    `up` and `down` are means of exponential times between failures, and until it is back. `hosted`: it is at a provider
    and fails with it. `cores` are rebuilds at a time.
    """

    name: str
    part: float
    cores: tuple[int, ...]
    hours: float
    days: int
    up: float
    down: float
    hosted: bool


KINDS: Final = (
    Kind("server", 0.55, (1, 2, 2, 4, 8), 24, 7, 30 * DAY, 8 * HOUR, hosted=True),
    Kind("desktop", 0.30, (2, 4, 4), 9, 5, 14 * DAY, 36 * HOUR, hosted=False),
    Kind("CI, nightly", 0.15, (2,), 2, 7, 20 * DAY, 24 * HOUR, hosted=True),
)


@dataclass(frozen=True)
class World:
    """The assumptions. Rates are per second, seconds are of one core."""

    nodes: int = 100
    days: int = 60
    seed: int = 1
    uploads: int = 5000  # a day in the mean, of wheels that a node would see to
    stands_for: int = 10  # files, by each that is simulated
    weekend: float = 0.6  # uploads, of those of a working day
    natures: Mapping[Nature, float] = field(
        default_factory=lambda: {"equal": 0.92, "different": 0.06, "unbuildable": 0.02}
    )
    seconds: float = 1.0  # a rebuild, in the median; the mean is twice that
    spread: float = 1.18  # of the logarithm
    own_failure: float = 0.02  # a node cannot build what others can
    passing_failure: float = 0.03  # it fails, and is tried again after the next of `retries`
    retries: tuple[float, ...] = (HOUR, 6 * HOUR, DAY, 3 * DAY)
    feed: float = 20 * 60  # until a node hears of an upload, at most
    publish: float = 10 * 60  # from the outbox to where consumers read, at most
    window: float = 0  # what is committed to is revealed when one ends; 0: published at once
    clock: float = 2.0  # seconds by which clocks are wrong, standard deviation
    wrong_clocks: float = 0.02  # nodes that are wrong by up to three days
    providers: int = 8
    provider_up: float = 90 * DAY
    provider_down: float = 10 * HOUR
    leaving: float = 0.25 / (365 * DAY)  # for good
    joining: float = 0.35 / (365 * DAY)  # for each node of the beginning
    agreed: float = WEEK  # how often the list of members is changed, to who was heard of in the time before
    backlog: int = 5_000_000
    backlog_files: int = 400  # simulated


@dataclass(frozen=True)
class File:
    """A published wheel: its key, when it was uploaded, what it is, and the seconds that one core needs."""

    key: str
    at: float
    nature: Nature
    seconds: float


@dataclass(frozen=True)
class Node:
    """A member from `joins` to `leaves`, up in `spans` of it. `clock` is how far its clock is ahead."""

    name: str
    kind: Kind
    cores: int
    joins: float
    leaves: float
    clock: float
    spans: Spans

    @cached_property
    def _worked(self) -> list[float]:
        """Seconds up before each span."""
        return [0.0, *accumulate(end - start for start, end in self.spans)]

    def work_at(self, time: float) -> float:
        """Seconds that the node was up before `time`."""
        place = bisect.bisect_right(self.spans, (time, NEVER)) - 1
        if place < 0:
            return 0.0
        start, end = self.spans[place]
        return self._worked[place] + min(time, end) - start

    def time_of(self, work: float) -> float:
        """When the node has been up for so many seconds."""
        place = bisect.bisect_left(self._worked, work)
        if place >= len(self._worked):
            return NEVER
        place = max(place, 1)
        return self.spans[place - 1][0] + work - self._worked[place - 1] if self.spans else NEVER


class Seen(NamedTuple):
    """That a node published `result` on a file, and from when on a consumer's policy hears it."""

    file: int
    node: int
    result: Result
    finished: float
    published: float
    stated: float  # when the node says that it finished

    @property
    def counts(self) -> float:
        return max(self.published, self.stated - FUTURE)


def outcome(seen: Iterable[Seen], threshold: int, at: float) -> str:
    """The verdict at `at` of a policy that names every node, each of an operator of its own, with a veto of one."""
    of: dict[str, set[int]] = {"match": set(), "mismatch": set(), "build-failed": set(), "early": set()}
    for item in seen:
        if item.published <= at:
            of[item.result if item.counts <= at else "early"].add(item.node)
    if of["mismatch"]:
        return "disputed" if len(of["match"] - of["mismatch"]) >= threshold else "divergent"
    if len(of["match"]) >= threshold:
        return "reproduced"
    if of["match"] or of["early"]:
        return "insufficient"
    return "unbuildable" if of["build-failed"] else "unattempted"


def reached(seen: Iterable[Seen], threshold: int) -> float:
    """When `threshold` different nodes' matches count, or NEVER; a mismatch before does not matter here."""
    first: dict[int, float] = {}
    for item in seen:
        if item.result == "match":
            first[item.node] = min(item.counts, first.get(item.node, NEVER))
    times = sorted(first.values())
    return times[threshold - 1] if len(times) >= threshold else NEVER


# What there is: files and nodes.


def files_of(world: World) -> list[File]:
    """The uploads of all days: more of them in the afternoon of Europe than in the night, fewer at weekends."""
    random = Random(f"{world.seed} files")
    week = [1.0] * 5 + [world.weekend] * 2
    mean = sum(week) / 7
    found = []
    for day in range(world.days):
        count = round(world.uploads / world.stands_for * week[day % 7] / mean)
        found += [(day + _time_of_day(random)) * DAY for _ in range(count)]
    return [_file(random, world, at, number) for number, at in enumerate(sorted(found))]


def backlog_of(world: World) -> list[File]:
    """What was there before; each stands for so many more."""
    random = Random(f"{world.seed} backlog")
    return [_file(random, world, 0.0, -1 - number) for number in range(world.backlog_files)]


def _time_of_day(random: Random) -> float:
    while True:
        at = random.random()
        if random.random() * 1.6 < 1 + 0.6 * math.sin(2 * math.pi * (at - 0.375)):
            return at


def _file(random: Random, world: World, at: float, number: int) -> File:
    (nature,) = random.choices(list(world.natures), list(world.natures.values()))
    seconds = min(600.0, world.seconds * math.exp(random.gauss(0, world.spread)))
    return File(sha256_hex(f"{world.seed} {number}".encode()), at, nature, seconds)


def nodes_of(world: World) -> list[Node]:
    """Those of the beginning, and those who come later, in the order in which they come."""
    end = world.days * DAY
    outages = [
        list(
            _failures(Random(f"{world.seed} provider {number}"), world.provider_up, world.provider_down, end)
        )
        for number in range(world.providers)
    ]
    random = Random(f"{world.seed} joining")
    joins, at = [0.0] * world.nodes, 0.0
    while (at := at + random.expovariate(world.joining * world.nodes)) < end:
        joins.append(at)
    return [_node(world, number, at, outages) for number, at in enumerate(joins)]


def _node(world: World, number: int, joins: float, outages: Sequence[Spans]) -> Node:
    random, end = Random(f"{world.seed} node {number}"), world.days * DAY
    (kind,) = random.choices(KINDS, [item.part for item in KINDS])
    leaves = min(end, joins + random.expovariate(world.leaving))
    down = list(_failures(random, kind.up, kind.down, end))
    if kind.hosted:  # the first providers have most customers
        (provider,) = random.choices(
            range(world.providers), [1 / (1 + item) for item in range(world.providers)]
        )
        down += outages[provider]
    clock = random.gauss(0, world.clock)
    if random.random() < world.wrong_clocks:
        clock = random.uniform(-3, 3) * DAY
    on = list(_hours(kind, random.random(), random.randrange(7), joins, leaves))
    return Node(
        f"node-{number}.example", kind, random.choice(kind.cores), joins, leaves, clock, _without(on, down)
    )


def _failures(random: Random, up: float, down: float, end: float) -> Iterator[tuple[float, float]]:
    at = random.expovariate(1 / up)
    while at < end:
        back = at + random.expovariate(1 / down)
        yield at, back
        at = back + random.expovariate(1 / up)


def _hours(kind: Kind, begin: float, free: int, joins: float, leaves: float) -> Iterator[tuple[float, float]]:
    if kind.hours == 24:
        yield joins, leaves
        return
    for day in range(-1, int(leaves / DAY) + 1):
        if (day - free) % 7 < kind.days:
            start, end = (day + begin) * DAY, (day + begin) * DAY + kind.hours * HOUR
            if max(start, joins) < min(end, leaves):
                yield max(start, joins), min(end, leaves)


def _without(spans: Spans, down: Spans) -> Spans:
    """`spans` less every one of `down`."""
    for start, end in sorted(down):
        spans = [
            part
            for low, high in spans
            for part in ((low, min(high, start)), (max(low, end), high))
            if part[0] < part[1]
        ] if any(low < end and start < high for low, high in spans) else spans  # fmt: skip
    return spans


# Whose it is, and when it is done.


def orders_of(files: Sequence[File], nodes: Sequence[Node]) -> list[tuple[int, ...]]:
    """The first members of each file's order among all that there ever are. Who is no member is left out later.

    That gives the same owners as `Shares` of the members alone: one who goes leaves the others in their order
    (tests/property/test_share_properties.py).
    """
    numbers = {node.name: number for number, node in enumerate(nodes)}
    shares = Shares(tuple(numbers), 1)
    return [tuple(numbers[name] for name in shares.order(file.key)[:DEPTH]) for file in files]


def members_of(world: World, nodes: Sequence[Node]) -> list[tuple[float, frozenset[int]]]:
    """The lists of members, each with the time from which on it holds: who was up since the one before."""
    lists = [(0.0, frozenset(number for number, node in enumerate(nodes) if node.joins == 0))]
    for change in range(1, math.ceil(world.days * DAY / world.agreed)):
        low, high = (change - 1) * world.agreed, change * world.agreed
        heard = {number for number, node in enumerate(nodes) if node.work_at(high) > node.work_at(low)}
        missed = {
            number for number in lists[-1][1] if nodes[number].leaves > high
        }  # down, and known to come back
        lists.append((high, frozenset(heard | missed)))
    return lists


def owners_in(order: Sequence[int], members: frozenset[int], redundancy: int) -> tuple[int, ...]:
    """The members whose share a file of that order is. Raises ValueError if the order is cut off too early."""
    found = tuple(number for number in order if number in members)[:redundancy]
    if len(found) < min(redundancy, len(members)):
        raise ValueError("orders are kept to too few members")
    return found
