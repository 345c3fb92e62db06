"""What a rebuild can be told, by options and environment variables: where, from where, and within which limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

DEFAULT_TIMEOUT: Final = 600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What options and node.toml decide.

    Args:
        index: empty: the user's usual one.
        cache: None: the usual cache directory.
        contact: for the User-Agent.
        quota: bytes that the cache may hold; 0 for no bound.
        memory: bytes that one build may hold; 0 for the usual bound.
        cores: that one build may use, where a control group can bound it; 0 for all.
        nice: how much others come first on the machine, as nice(1) counts.
        install_pythons: whether a Python that is nearer to what a wheel was built with may be installed.
    """

    index: str = ""
    cache: Path | None = None
    contact: str = ""
    install_pythons: bool = False
    quota: int = 0
    memory: int = 0
    cores: float = 0.0
    nice: int = 0

    @property
    def cache_path(self) -> Path:
        return self.cache or platformdirs.user_cache_path("wheelwitness")
