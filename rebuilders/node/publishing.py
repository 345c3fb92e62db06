"""From what the signer has published to where it is read: reports, pages, destinations. Holds no key."""

from collections.abc import Callable
from typing import Final

from rebuilders.node import reports
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.pushing import Outcome, push_all

_CHECKPOINT: Final = "checkpoint"


def bring_out(directory: NodeDirectory, config: NodeConfig, tell: Callable[[str], None]) -> list[Outcome]:
    """Brings pages and destinations up to the node's log; says what became of each destination.

    Raises:
        Incomplete, Unverified: the pages cannot be made.
    """
    if not (directory.site / _CHECKPOINT).exists():
        return []
    reports.publish(directory)
    if config.pages:
        from rebuilders.site.making import pages_of_node

        pages_of_node(directory.site, directory.state)
    return push_all(directory, config.destination, tell)
