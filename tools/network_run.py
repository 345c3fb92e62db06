"""Lets the nodes of tools/network_model.py work, and counts what came of it. Pure, and the same for one `World`."""

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from tools.network_model import (
    DAY,
    NEVER,
    File,
    Node,
    Seen,
    World,
    backlog_of,
    files_of,
    members_of,
    nodes_of,
    orders_of,
    owners_in,
    reached,
)


@dataclass(frozen=True)
class Stage:
    """What is the same whatever the redundancy is: files, the backlog, nodes, their lists, and each file's order."""

    world: World
    files: list[File]
    backlog: list[File]
    nodes: list[Node]
    members: list[tuple[float, frozenset[int]]]
    orders: list[tuple[int, ...]]
    backlog_orders: list[tuple[int, ...]]

    @classmethod
    def of(cls, world: World) -> "Stage":
        files, backlog, nodes = files_of(world), backlog_of(world), nodes_of(world)
        orders = orders_of(files, nodes), orders_of(backlog, nodes)
        return cls(world, files, backlog, nodes, members_of(world, nodes), *orders)


@dataclass(frozen=True)
class Run:
    """What came of it. `assigned` jobs were given out; of them `waiting` are not done, and some were `given_up`.

    `backlog` is what was seen of the backlog. `busy` is the part of the time up that each node spent on new files.
    """

    stage: Stage
    redundancy: int
    seen: list[Seen]
    backlog: list[Seen]
    assigned: int
    waiting: int
    given_up: int
    busy: list[float]

    def by_file(self) -> list[list[Seen]]:
        """What was seen of each file."""
        found: list[list[Seen]] = [[] for _ in self.stage.files]
        for item in self.seen:
            found[item.file].append(item)
        return found

    def delays(self, threshold: int, named: frozenset[int] | None = None) -> list[float]:
        """From upload to consensus of each equal file of the first half, so that all had as long; NEVER if none.

        `named` are the nodes that the consumer's policy names, if not all.
        """
        half = self.stage.world.days * DAY / 2
        return sorted(
            min(
                reached((item for item in seen if named is None or item.node in named), threshold) - file.at,
                NEVER,
            )
            for file, seen in zip(self.stage.files, self.by_file(), strict=True)
            if file.nature == "equal" and file.at < half
        )

    def witnesses(self, after: float) -> Counter[int]:
        """How many equal files of the first half had so many matches that count, `after` seconds from upload."""
        half = self.stage.world.days * DAY / 2
        return Counter(
            len({item.node for item in seen if item.result == "match" and item.counts <= file.at + after})
            for file, seen in zip(self.stage.files, self.by_file(), strict=True)
            if file.nature == "equal" and file.at < half
        )

    def backlog_done(self, threshold: int, at: float) -> float:
        """The part of the backlog's equal files that have a consensus at `at`."""
        by: dict[int, list[Seen]] = {}
        for item in self.backlog:
            by.setdefault(item.file, []).append(item)
        equal = [number for number, file in enumerate(self.stage.backlog) if file.nature == "equal"]
        return sum(reached(by.get(number, ()), threshold) <= at for number in equal) / len(equal)


def simulate(stage: Stage, redundancy: int, *, later: bool = False) -> Run:
    """`later`: everyone sees to everything, to what is not his share after what is."""
    jobs = _assigned(stage, redundancy)
    seen: list[Seen] = []
    backlog: list[Seen] = []
    workers = []
    for number, node in enumerate(stage.nodes):
        low = _others(stage, number, jobs[number]) if later else []
        worker = _Worker(stage.world, number, node)
        seen += worker.run(stage.files, jobs[number], low)
        backlog += worker.fill(stage.backlog, _old(stage, number, redundancy))
        workers.append(worker)
    return Run(
        stage,
        redundancy,
        seen,
        backlog,
        assigned=sum(worker.assigned for worker in workers),
        waiting=sum(worker.waiting for worker in workers),
        given_up=sum(worker.given_up for worker in workers),
        busy=[worker.worked / max(1.0, worker.node.work_at(NEVER)) for worker in workers],
    )


def _assigned(stage: Stage, redundancy: int) -> list[dict[int, float]]:
    """For each node the files that are its share at some time, and since when it knows."""
    jobs: list[dict[int, float]] = [{} for _ in stage.nodes]
    for number, (file, order) in enumerate(zip(stage.files, stage.orders, strict=True)):
        for place, (since, members) in enumerate(stage.members):
            until = stage.members[place + 1][0] if place + 1 < len(stage.members) else NEVER
            if file.at < until:
                for owner in owners_in(order, members, redundancy):
                    if number not in jobs[owner]:
                        jobs[owner][number] = max(file.at + _feed(stage.world, owner, number), since)
    return jobs


def _others(stage: Stage, node: int, own: dict[int, float]) -> list[tuple[float, int]]:
    """What is not a node's share, from when on it knows."""
    since = stage.nodes[node].joins
    return [
        (max(file.at + _feed(stage.world, node, number), since), number)
        for number, file in enumerate(stage.files)
        if number not in own
    ]


def _feed(world: World, node: int, number: int) -> float:
    """How long it takes until a node hears of a file."""
    return world.feed * _chance(world.seed, "feed", node, number)


def _old(stage: Stage, node: int, redundancy: int) -> list[int]:
    members = stage.members[0][1]
    return [
        number
        for number, order in enumerate(stage.backlog_orders)
        if node in owners_in(order, members, redundancy)
    ]


class _Worker:
    """One node at work, on the time line of its own time up."""

    def __init__(self, world: World, number: int, node: Node) -> None:
        self.world, self.number, self.node = world, number, node
        self.gaps: list[tuple[float, float]] = []  # of its time up in which it had nothing new to do
        self.worked = 0.0
        self.assigned, self.waiting, self.given_up = 0, 0, 0

    def run(
        self, files: Sequence[File], own: dict[int, float], low: list[tuple[float, int]]
    ) -> Iterator[Seen]:
        """What it publishes of its shares, and of `low` when there is nothing else to do."""
        total, now = self.node.work_at(NEVER), 0.0
        first = [(self.node.work_at(at), number, 0) for number, at in own.items()]
        heapq.heapify(first)
        rest = [(self.node.work_at(at), number, 0) for at, number in low]
        heapq.heapify(rest)
        self.assigned = len(first) + len(rest)
        while (first or rest) and now < total:
            ready = min(queue[0][0] for queue in (first, rest) if queue)
            if ready > now:
                self.gaps.append((now, ready))
                now = ready
                continue
            queue = first if first and first[0][0] <= now else rest
            _, number, tries = heapq.heappop(queue)
            took = files[number].seconds * self.world.stands_for / self.node.cores
            now, self.worked = now + took, self.worked + took
            if now > total:
                self.waiting = 1
                break
            again = self._again(number, tries)
            if again is None:
                yield self._published(files[number], number, self.node.time_of(now))
            elif again < NEVER:
                at = self.node.work_at(self.node.time_of(now) + again)
                heapq.heappush(queue, (at, number, tries + 1))
            else:
                self.given_up += 1
        self.waiting += len(first) + len(rest)
        if now < total:
            self.gaps.append((now, total))

    def fill(self, backlog: Sequence[File], numbers: list[int]) -> Iterator[Seen]:
        """What it publishes of the backlog in its idle time, one after the other."""
        gaps, left = iter(self.gaps), 0.0
        at = 0.0
        for number in numbers:
            needed = backlog[number].seconds * self.world.backlog / self.world.backlog_files / self.node.cores
            while left < needed:
                needed -= left
                start, end = next(gaps, (NEVER, NEVER))
                if start == NEVER:
                    return
                at, left = start, end - start
            at, left = at + needed, left - needed
            yield self._published(backlog[number], number, self.node.time_of(at))

    def _again(self, number: int, tries: int) -> float | None:
        """How long it waits for the next try, if this one fails and passes; NEVER to give up."""
        if _chance(self.world.seed, "passing", self.number, number, tries) >= self.world.passing_failure:
            return None
        return self.world.retries[tries] if tries < len(self.world.retries) else NEVER

    def _published(self, file: File, number: int, finished: float) -> Seen:
        own = _chance(self.world.seed, "own", self.number, number) < self.world.own_failure
        result = "build-failed" if own or file.nature == "unbuildable" else "match"
        result = "mismatch" if result == "match" and file.nature == "different" else result
        at = finished + self.world.publish * _chance(self.world.seed, "publish", self.number, number)
        if self.world.window:
            at = math.ceil(at / self.world.window) * self.world.window
        at = self.node.time_of(self.node.work_at(at) + 1e-6)  # published once the node is up
        return Seen(number, self.number, result, finished, at, finished + self.node.clock)


def _chance(*what: object) -> float:
    """A number from 0 to 1 that depends on `what` alone."""
    digest = blake2b(repr(what).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56
