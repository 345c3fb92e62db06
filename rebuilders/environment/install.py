"""Build environments from locked wheels: installed once inside the sandbox, kept by content, mounted read-only.

Nothing of a wheel is run to install it, and nothing is unpacked outside the sandbox. What a build sees is the
finished directory, which it cannot write, so that no build can touch what another will run.
"""

import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebuilders.environment.built import BuiltWheels
from rebuilders.environment.interpreters import Interpreter
from rebuilders.errors import NotBuilt
from rebuilders.index.interface import IndexFile, IndexSource
from rebuilders.plan.recipe import Locked
from rebuilders.sandbox.interface import Job, Limits, Mount, Sandbox
from witness.canonical import dumps
from witness.digest import sha256_hex
from witness.errors import Incomplete, Malformed
from witness.escape import printable
from witness.limits import GIB
from witness.wheel.archive import Archive, read_archive

PATH: Final = "/env"
PYTHON: Final = f"{PATH}/bin/python"
_UV: Final = "/opt/uv/uv"
_WHEELS: Final = "/wheels"
_MAX_UNPACKED: Final = 2 * GIB
_REFUSED: Final = frozenset({"unsafe-name", "overlapping-members", "special-file"})
_SECONDS: Final = 180.0
_NO_SPACE: Final = b"No space left on device"
_ABANDONED: Final = 86_400.0  # seconds after which nobody is still installing
# Compiled while installing: a build cannot keep what it compiles, and would compile anew each time.
_INSTALL: Final = f"""set -e
{_UV} venv --quiet --offline --no-config --allow-existing --python "$1" {PATH}
[ "$2" = 0 ] || {_UV} pip install --quiet --offline --no-config --no-deps --no-index \
    --link-mode copy --python {PYTHON} {_WHEELS}/*.whl
"$1" -I -S -m compileall -q -j 2 {PATH}/lib >/dev/null || true  # a requirement may hold files that are not Python
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
        path = self.cache / "environments" / _key(interpreter, requirements)
        if not path.is_dir():
            self._install(path, interpreter, requirements, min(seconds, _SECONDS))
        return (*interpreter.mounts, Mount(path, PATH))

    def _install(
        self, path: Path, interpreter: Interpreter, requirements: tuple[Locked, ...], seconds: float
    ) -> None:
        with ThreadPoolExecutor(max_workers=4) as pool:
            wheels = dict(
                zip((r.filename for r in requirements), pool.map(self._fetch, requirements), strict=True)
            )
        _check(wheels)
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path.parent)
        staging = Path(tempfile.mkdtemp(prefix=".tmp-", dir=path.parent))
        try:
            job = Job(
                argv=("/bin/sh", "-c", _INSTALL, "sh", interpreter.inside, str(len(wheels))),
                mounts=(*interpreter.mounts, Mount(self.uv, _UV), Mount(staging, PATH, writable=True)),
                files={f"{_WHEELS}/{name}": data for name, data in wheels.items()},
                variables={**interpreter.variables, "UV_CACHE_DIR": "/build/uv", "LC_ALL": "C.UTF-8"},
                limits=Limits(seconds=seconds, memory=64 * GIB),  # uv reserves address space freely
            )
            finished = self.sandbox.run(job)
            if not finished.ok:
                if _NO_SPACE in finished.log:  # sizes were checked: it is this machine that has too little
                    raise Incomplete(
                        f"{path.parent}: No space left on device", hint="Free some space, and try again."
                    )
                words = printable(finished.log[-600:].decode(errors="replace"))
                raise NotBuilt(
                    f"the build requirements cannot be installed: {words}",
                    result="build-failed",
                    phase="install",
                    cause="install-failed" if finished.ended == "exit" else f"{finished.ended}-limit",
                    log=finished.log,
                )
            staging.chmod(0o755)
            os.sync()  # or a power cut could leave the name, for good, with half of the files
            _keep(staging, path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _fetch(self, requirement: Locked) -> bytes:
        if requirement.source:
            return BuiltWheels(self.cache).read(requirement)
        return self.index.fetch(
            IndexFile(requirement.filename, requirement.url, requirement.sha256, size=requirement.size)
        )


def _key(interpreter: Interpreter, requirements: tuple[Locked, ...]) -> str:
    held = {
        "layout": 1,
        # An environment names its interpreter by the place inside.
        "interpreter": f"{interpreter.name} {interpreter.prefix} {interpreter.inside}",
        "requirements": sorted(f"{r.name} {r.version} {r.sha256}" for r in requirements),
    }
    return sha256_hex(dumps(held))


def _check(wheels: dict[str, bytes]) -> None:
    """Each wheel is what its directory of members says, and together they fit: the installer writes to a disk."""
    total = 0
    for name, data in wheels.items():
        try:
            archive = read_archive(data)
            total += sum(entry.size for entry in archive.entries)
            if total <= _MAX_UNPACKED:
                _check_members(archive)
        except Malformed as error:
            raise _unfit(f"{name}: {error}", "malformed-requirement") from None
        if total > _MAX_UNPACKED:
            raise _unfit(
                f"{name}: with the others it unpacks to more than {_MAX_UNPACKED} bytes", "size-limit"
            )


def _check_members(archive: Archive) -> None:
    for finding in archive.findings:
        if finding.kind in _REFUSED:
            raise Malformed(f"{finding.kind} {printable(finding.path)}")
    for entry in archive.entries:
        for _ in archive.inflate(entry):  # raises where it is more than it says
            pass


def _unfit(message: str, cause: str) -> NotBuilt:
    return NotBuilt(message, result="build-failed", phase="install", cause=cause)


def _clear(root: Path) -> None:
    """Removes what installs that were killed have left."""
    for left in root.glob(".tmp-*"):
        try:
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue


def _keep(staging: Path, path: Path) -> None:
    try:
        staging.rename(path)
    except OSError:
        if not path.is_dir():  # another process was first with the same content
            raise
