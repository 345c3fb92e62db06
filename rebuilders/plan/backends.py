"""What is known of each build backend, one row each: a new backend is one row and one test.

Measured on published wheels; sources in docs/explanation/inference.md.
"""

from dataclasses import dataclass
from typing import Final

from rebuilders.facts.wheel import Moment


@dataclass(frozen=True, slots=True)
class Backend:
    """A row.

    Attributes:
        generator: the name in the wheel's `Generator`.
        pins: the distributions that carry the generator's version; the first of them that the build requires is
            pinned, or else the first of all.
        implied_by: distributions that bring the pinned one along without naming it (setuptools asks for wheel).
        limits: constraints that a wheel by this generator implies besides.
        constant_time: the time that members get without SOURCE_DATE_EPOCH, if it is always the same.
        keeps_times: members carry the time of their source files.
        local_times: those are in the builder's time zone.
        keeps_modes: members carry the mode of their source files, and generated ones follow the umask.
        asks: words in the files that say how to build which make it worth asking the backend for more requirements;
            None: always ask.
    """

    generator: str
    pins: tuple[str, ...]
    implied_by: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    constant_time: Moment | None = None
    keeps_times: bool = False
    local_times: bool = False
    keeps_modes: bool = False
    asks: tuple[str, ...] | None = ()


_SETUPTOOLS_ASKS: Final = ("setup_requires",)
_HATCHLING_ASKS: Final = ("dependencies =", "dependencies=", "require-runtime")  # of its build hooks

BACKENDS: Final = (
    Backend("setuptools", ("setuptools",), keeps_times=True, keeps_modes=True, asks=_SETUPTOOLS_ASKS),
    # setuptools has its own bdist_wheel from 70.1 on, and then signs with its own name.
    Backend(
        "bdist_wheel", ("wheel",), implied_by=("setuptools",), limits=("setuptools<70.1",),
        keeps_times=True, keeps_modes=True, asks=_SETUPTOOLS_ASKS,
    ),
    Backend("hatchling", ("hatchling",), constant_time=(2020, 2, 2, 0, 0, 0), asks=_HATCHLING_ASKS),
    Backend("flit", ("flit_core", "flit"), keeps_times=True, local_times=True),
    Backend("poetry-core", ("poetry-core",), constant_time=(2016, 1, 1, 0, 0, 0)),
    Backend("poetry", ("poetry-core", "poetry"), constant_time=(2016, 1, 1, 0, 0, 0)),
    Backend("pdm-backend", ("pdm-backend",), constant_time=(2016, 1, 1, 0, 0, 0)),
    Backend("pdm-pep517", ("pdm-pep517",), constant_time=(2016, 1, 1, 0, 0, 0)),
    Backend("uv", ("uv_build",), constant_time=(1980, 1, 1, 0, 0, 0)),
)  # fmt: skip

UNKNOWN: Final = Backend("", (), asks=None)
_BY_GENERATOR: Final = {backend.generator: backend for backend in BACKENDS}


def backend_of(generator: str) -> Backend:
    """The row of the generator by that name, or `UNKNOWN`."""
    return _BY_GENERATOR.get(generator, UNKNOWN)
