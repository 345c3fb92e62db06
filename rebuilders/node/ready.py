"""A node's configuration, for who is about to rebuild by it."""

from typing import Final

from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.sandbox.bubblewrap import Bubblewrap, probe

INDEX: Final = "WHEELWITNESS_INDEX"  # of the environment: asked instead of the configured index


def configured(directory: NodeDirectory, index: str = "") -> NodeConfig:
    """The node's configuration, with `index` unless that is empty. Raises SandboxUnavailable where it needs one."""
    config = directory.load()
    if index:
        config = config.model_copy(update={"index": index})
    if config.method == "rebuild":
        probe(Bubblewrap.find())
    return config
