"""Who does a node's rebuilds, by its node.toml: processes of its own, or a farm."""

from collections.abc import Callable
from importlib.util import find_spec

from rebuilders.farm.interface import Executor
from rebuilders.farm.local import LocalExecutor
from rebuilders.node.config import FarmConfig, NodeConfig, NodeDirectory
from witness.errors import InputError


def open_executor(directory: NodeDirectory, config: NodeConfig, tell: Callable[[str], None]) -> Executor:
    """What does the node's rebuilds; `tell` gets what a farm says besides.

    Raises:
        InputError: the farm cannot be used as it is configured.
    """
    if config.farm is None:
        return LocalExecutor(config.terms, config.jobs)
    if find_spec("distributed") is None:
        raise InputError("node.toml: farm: Dask is not installed", hint="pip install 'wheelwitness[farm]'")
    return _farm(directory, config, config.farm, tell)


def _farm(
    directory: NodeDirectory, config: NodeConfig, farm: FarmConfig, tell: Callable[[str], None]
) -> Executor:
    from rebuilders.farm.dask import DaskExecutor
    from rebuilders.farm.gateway import Plan
    from rebuilders.farm.link import Link

    link = None
    if farm.scheduler:
        ca, cert, key = (directory.root / name if name else None for name in (farm.ca, farm.cert, farm.key))
        link = Link(farm.scheduler, ca, cert, key, farm.insecure).check()
        link.security()
    return DaskExecutor(Plan(config.terms, link, farm.workers, slots=farm.slots), tell)
