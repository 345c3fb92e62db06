"""What a rebuild can be told, by options and environment variables: where, from where, and within which limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

DEFAULT_TIMEOUT: Final = 600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`index` and `cache` empty: the user's usual index, the usual cache directory. `contact`: for the User-Agent."""

    index: str = ""
    cache: Path | None = None
    contact: str = ""

    @property
    def cache_path(self) -> Path:
        return self.cache or platformdirs.user_cache_path("wheelwitness")
