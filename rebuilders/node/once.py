"""A node at work in the foreground, once: what is queued is rebuilt, signed and published, and the peers are met.

What a node does that runs for good is in rebuilders.node.supervisor.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.cosigning import cosign_apart
from rebuilders.node.executing import open_executor
from rebuilders.node.feed.wiring import open_feed
from rebuilders.node.ledger import Ledger
from rebuilders.node.locks import alone
from rebuilders.node.publishing import bring_out
from rebuilders.node.ready import configured
from rebuilders.node.scheduler import Scheduler
from rebuilders.node.signer import publish_apart
from witness.errors import Incomplete

_BATCH: Final = 32  # observations that may wait before they are published
_WAIT: Final = 60.0  # seconds for the next job to end
_READY: Final = 60.0  # seconds for a farm's first worker

Tell = Callable[[str], None]


def run_once(directory: NodeDirectory, tell: Tell, *, index: str = "", publish: bool = True) -> int:
    """Works off the queue once; returns how many targets could not be completed.

    `index`, unless empty, is asked instead of the configured one. Without `publish` no key is used:
    observations wait in the outbox, and no peer is met.

    Raises:
        SandboxUnavailable: no sandbox works here, and the node's method needs one; nothing was taken from the queue.
        Incomplete: another process runs this node, or worker after worker was ended from outside.
    """
    config = configured(directory, index)
    with alone(directory.state, "run"), alone(directory.state, "scheduler"):
        incomplete = _work_off(directory, config, tell, publish=publish)
        if publish:
            publish_outbox(directory, tell)
            meet_peers(directory, config, tell)
            for outcome in bring_out(directory, config, tell):
                tell(outcome.text)
    return incomplete


def _work_off(directory: NodeDirectory, config: NodeConfig, tell: Tell, *, publish: bool) -> int:
    ledger = directory.ledger(config)
    executor = open_executor(directory, config, tell)
    scheduler = Scheduler(directory, config, ledger, executor, tell)
    begun, published = datetime.now(UTC), 0
    try:
        if config.watch is not None:
            _ask_the_index(directory, config, ledger, tell)
        with ledger.alone():
            scheduler.begin()
            if ledger.counts()["queued"] and not executor.ready(_READY):
                raise Incomplete(f"nobody is there to rebuild: {executor.said}")
            while scheduler.step(_WAIT, retry_before=begun):
                if publish and scheduler.observed - published >= _BATCH:
                    published = scheduler.observed
                    try_to_publish(directory, tell)
        if scheduler.held:
            tell(f"nothing is handed out: {scheduler.held}")
        elif executor.said:
            raise Incomplete(f"nobody is there to rebuild any more: {executor.said}")
    finally:
        executor.close()
        ledger.close()
    return scheduler.incomplete


def _ask_the_index(directory: NodeDirectory, config: NodeConfig, ledger: Ledger, tell: Tell) -> None:
    """Queues what the index says is to be rebuilt, as far as it answers now."""
    with alone(directory.state, "feed"):
        feed = open_feed(directory, config, ledger, tell)
        while not feed.step():
            pass
        tell(feed.doing)


def try_to_publish(directory: NodeDirectory, tell: Tell) -> None:
    """The same as `publish_outbox`, but what can pass is told, and what waits goes on waiting."""
    try:
        publish_outbox(directory, tell)
    except Incomplete as error:
        tell(f"not published: {error}")


def publish_outbox(directory: NodeDirectory, tell: Tell) -> None:
    """Signs and publishes what waits, in a process of its own. Raises as `publish_apart`."""
    published = publish_apart(directory)
    for refused in published["refused"]:
        tell(f"not signed: {refused['name']}: {refused['reason']}")
    if published["committed"]:
        tell(f"committed to {published['committed']} observations, to be revealed later")
    if published["count"]:
        tell(f"published {published['count']} observations; the log has {published['size']}")


def meet_peers(directory: NodeDirectory, config: NodeConfig, tell: Tell) -> None:
    """Cosigns the peers' logs, in a process of its own. What fails with them is told, and keeps nothing else."""
    if not config.peer or not config.cosign_minutes:
        return
    try:
        told = cosign_apart(directory)
    except Incomplete as error:
        tell(f"not cosigned: {error}")
    else:
        for line in (*told["done"], *told["accused"], *told["failed"]):
            tell(line)
