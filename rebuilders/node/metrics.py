"""What Prometheus is told of a node: read anew for each scrape, and kept nowhere."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rebuilders.node.standing import Standing
from rebuilders.node.standing_told import alive, beat_time
from witness import __version__
from witness.errors import WheelwitnessError
from witness.escape import printable

# Name (behind wheelwitness_node_), what it is, and its labels.
METRICS: Final = {
    "up": ("1 if the node's ledger could be read", ()),
    "info": ("1; what runs", ("name", "version")),
    "targets": ("Targets by state", ("state",)),
    "results": ("Targets by the last result and level", ("result", "level")),
    "held": ("1 if nothing is handed out", ()),
    "last_observation_seconds": ("When a target was last done, in seconds since 1970", ()),
    "unpublished": ("Observations that wait to be signed", ()),
    "unpublished_oldest_seconds": ("Since when the first of them waits, in seconds since 1970", ()),
    "refused": ("Observations that the signer refused", ()),
    "hidden": ("Observations committed to and not revealed", ()),
    "downloaded_bytes": ("Downloaded today, by a day that begins at midnight UTC", ()),
    "log_entries": ("Entries of the log", ()),
    "log_signed_seconds": ("The newest time in the checkpoint, in seconds since 1970", ()),
    "cosigned_seconds": ("When a peer cosigned the checkpoint, in seconds since 1970", ("cosigner",)),
    "peers": ("Peers that node.toml names", ()),
    "part_alive": ("1 if a part has given a sign of life lately", ("part",)),
    "part_failing": ("1 if a part's last step failed", ("part",)),
    "part_beat_seconds": ("When a part gave its last sign of life, in seconds since 1970", ("part",)),
    "disk_free_bytes": ("Free on the file system of a directory", ("path",)),
    "disk_total_bytes": ("Size of the file system of a directory", ("path",)),
}
PREFIX: Final = "wheelwitness_node_"

Sample = tuple[str, tuple[str, ...], float]


class _Node(Collector):
    def __init__(self, read: Callable[[], Standing]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        families = {
            name: GaugeMetricFamily(PREFIX + name, words, labels=labels)
            for name, (words, labels) in METRICS.items()
        }
        try:
            samples = list(_samples(self._read()))
        except WheelwitnessError:
            samples = [("up", (), 0.0)]
        for name, labels, value in samples:
            families[name].add_metric([printable(label) for label in labels], value)
        yield from families.values()


def _samples(now: Standing) -> Iterator[Sample]:
    yield "up", (), 1
    yield "info", (now.name, __version__), 1
    yield from (("targets", (state,), count) for state, count in now.counts.items())
    yield from (("results", key, count) for key, count in now.results.items())
    yield "held", (), bool(now.held)
    yield from _time("last_observation_seconds", now.last_observation)
    yield "unpublished", (), now.unpublished
    yield from _time("unpublished_oldest_seconds", now.oldest)
    yield "refused", (), now.refused
    yield "hidden", (), now.hidden
    yield "downloaded_bytes", (), now.received
    yield "peers", (), len(now.peers)
    if now.log:
        yield "log_entries", (), now.log.size
        yield from _time("log_signed_seconds", now.log.at)
        for name, at in now.log.cosigned.items():
            yield from _time("cosigned_seconds", at, name)
    for beat in now.parts:
        yield "part_alive", (beat.part,), alive(beat, now.now)
        yield "part_failing", (beat.part,), bool(beat.error)
        yield from _time("part_beat_seconds", beat_time(beat), beat.part)
    for item in now.disk:
        yield "disk_free_bytes", (str(item.path),), item.free
        yield "disk_total_bytes", (str(item.path),), item.total


def _time(name: str, moment: datetime | None, *labels: str) -> Iterator[Sample]:
    if moment is not None:
        yield name, labels, moment.astimezone(UTC).timestamp()


def application(read: Callable[[], Standing]) -> Starlette:
    """The ASGI application that answers `/metrics`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Node(read))

    def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Starlette(routes=[Route("/metrics", metrics, methods=["GET"])])
