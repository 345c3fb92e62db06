"""Build environments from locked wheels: installed once inside the sandbox, kept by content, mounted read-only.

Nothing of a wheel is run to install it, and nothing is unpacked outside the sandbox. What a build sees is the
finished directory, which it cannot write, so that no build can touch what another will run.

Each wheel is installed once for an interpreter, into an environment of its own (`installed/`). An environment of
several is made of links to their files (`environments/`).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebuilders.cache import used
from rebuilders.environment.built import BuiltWheels
from rebuilders.environment.fitness import check
from rebuilders.environment.interpreters import Interpreter
from rebuilders.environment.trees import cannot_write, join, keep, staging_below
from rebuilders.errors import NotBuilt
from rebuilders.index.interface import IndexFile, IndexSource
from rebuilders.plan.recipe import Locked
from rebuilders.sandbox.interface import Finished, Job, Limits, Mount, Sandbox
from witness.canonical import dumps
from witness.digest import sha256_hex
from witness.escape import printable
from witness.limits import GIB

PATH: Final = "/env"
PYTHON: Final = f"{PATH}/bin/python"
_UV: Final = "/opt/uv/uv"
_WHEELS: Final = "/wheels"
_SECONDS: Final = 180.0
_NO_SPACE: Final = b"No space left on device"
# Compiled while installing: a build cannot keep what it compiles, and would compile anew each time.
_INSTALL: Final = f"""set -e
{_UV} venv --quiet --offline --no-config --allow-existing --python "$1" {PATH}
[ "$2" = 0 ] || {_UV} pip install --quiet --offline --no-config --no-deps --no-index \
    --link-mode copy --python {PYTHON} {_WHEELS}/*.whl
"$1" -I -S -m compileall -q {PATH}/lib >/dev/null || true  # a requirement may hold files that are not Python
"""


@dataclass(frozen=True, slots=True)
class Environments:
    """Args: uv: the program; cache: a directory of ours; index: where locked wheels come from."""

    uv: Path
    cache: Path
    index: IndexSource
    sandbox: Sandbox

    def prepare(
        self, interpreter: Interpreter, requirements: tuple[Locked, ...], *, seconds: float = _SECONDS
    ) -> tuple[Mount, ...]:
        """What to mount so that `PYTHON` is `interpreter` with `requirements` installed, in `seconds` at most.

        Raises:
            NotBuilt: a requirement cannot be installed.
            Incomplete: the disk is full.
            FetchFailed: a requirement cannot be had from the index.
        """
        parts: list[tuple[Locked, ...]] = [(item,) for item in requirements] or [()]
        alone = [self.cache / "installed" / _key(interpreter, part) for part in parts]
        path = alone[0] if len(parts) == 1 else self.cache / "environments" / _key(interpreter, requirements)
        if not path.is_dir():
            missing = {to: part for to, part in zip(alone, parts, strict=True) if not to.is_dir()}
            if missing:
                self._install(interpreter, missing, min(seconds, _SECONDS))
            if len(parts) > 1:
                join(path, alone)
        for each in {path, *alone}:
            used(each)
        return (*interpreter.mounts, Mount(path, PATH))

    def _install(
        self, interpreter: Interpreter, parts: dict[Path, tuple[Locked, ...]], seconds: float
    ) -> None:
        """Makes each of the directories the environment of its requirement, or of none."""
        with ThreadPoolExecutor(max_workers=4) as pool, staging_below(self.cache / "installed") as new:
            wheels = dict(pool.map(self._fetch, (item for part in parts.values() for item in part)))
            check(wheels)
            held = [{item.filename: wheels[item.filename] for item in part} for part in parts.values()]
            jobs = [self._job(new(), interpreter, each, seconds) for each in held]
            for finished in pool.map(self.sandbox.run, jobs):
                self._check(finished)
            os.sync()  # or a power cut could leave the names, for good, with half of the files
            for path, job in zip(parts, jobs, strict=True):
                keep(job.mounts[-1].source, path)

    def _fetch(self, requirement: Locked) -> tuple[str, bytes]:
        if requirement.source:
            return requirement.filename, BuiltWheels(self.cache).read(requirement)
        file = IndexFile(requirement.filename, requirement.url, requirement.sha256, size=requirement.size)
        return requirement.filename, self.index.fetch(file)

    def _job(self, staging: Path, interpreter: Interpreter, wheels: dict[str, bytes], seconds: float) -> Job:
        return Job(
            argv=("/bin/sh", "-c", _INSTALL, "sh", interpreter.inside, str(len(wheels))),
            mounts=(*interpreter.mounts, Mount(self.uv, _UV), Mount(staging, PATH, writable=True)),
            files={f"{_WHEELS}/{name}": data for name, data in wheels.items()},
            variables={**interpreter.variables, "UV_CACHE_DIR": "/build/uv", "LC_ALL": "C.UTF-8"},
            # uv reserves address space freely, and has threads for each core.
            limits=Limits(seconds=seconds, memory=64 * GIB, processes=1024),
        )

    def _check(self, finished: Finished) -> None:
        if finished.ok:
            return
        if _NO_SPACE in finished.log:  # sizes were checked: it is this machine that has too little
            raise cannot_write(self.cache, "No space left on device")
        words = printable(finished.log[-600:].decode(errors="replace"))
        raise NotBuilt(
            f"the build requirements cannot be installed: {words}",
            result="build-failed",
            phase="install",
            cause="install-failed" if finished.ended == "exit" else f"{finished.ended}-limit",
            log=finished.log,
        )


def _key(interpreter: Interpreter, requirements: tuple[Locked, ...]) -> str:
    held = {
        "layout": 2,
        # An environment names its interpreter by the place inside.
        "interpreter": f"{interpreter.name} {interpreter.prefix} {interpreter.inside}",
        "requirements": sorted(f"{r.name} {r.version} {r.sha256}" for r in requirements),
    }
    return sha256_hex(dumps(held))
