"""`[watch]` of `node.toml`: which projects a node watches, and what of them it rebuilds."""

from typing import Annotated, Final, Literal

from packaging.utils import canonicalize_name
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from witness.names import PROJECT

MAX_NAME: Final = 200  # characters of a project's name

Versions = Literal["latest", "all", "new"]


def _project(name: str) -> str:
    if not PROJECT.fullmatch(name):
        raise ValueError(f"not the name of a project: {name!r}")
    return canonicalize_name(name)


ProjectName = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_project)]
FilePath = Annotated[str, Field(min_length=1, max_length=4000)]


class WatchConfig(BaseModel):
    """What is watched (`projects`, `files`, `top`, `everything`), what of it is rebuilt, and how the index is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    projects: Annotated[list[ProjectName], Field(max_length=100_000)] = []
    files: Annotated[list[FilePath], Field(max_length=1000)] = []
    top: Annotated[str, Field(max_length=4000)] = ""
    top_count: Annotated[int, Field(alias="top-count", ge=1)] = 1_000_000
    everything: bool = False
    versions: Versions = "latest"
    pure_only: Annotated[bool, Field(alias="pure-only")] = True
    minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    list_from: Annotated[int, Field(alias="list-from", ge=1)] = 5000
    changelog: Annotated[str, Field(pattern=r"^(https?://\S+)?$", max_length=500)] = ""
    requests_per_second: Annotated[float, Field(alias="requests-per-second", ge=0.01, le=20)] = 2.0
    download_mb: Annotated[int, Field(alias="download-mb", ge=1)] = 2000

    @property
    def interval(self) -> int:
        """Seconds after which an unchanged page is asked for again."""
        return 60 * self.minutes
