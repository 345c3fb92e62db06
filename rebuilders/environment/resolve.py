"""Build requirements as of a date, each locked to a wheel and its hash. uv resolves; nothing is run."""

import json
import os
import subprocess
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from packaging.pylock import Package, Pylock
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from rebuilders.environment.built import BuiltWheels
from rebuilders.environment.interpreters import Interpreter
from rebuilders.errors import NotBuilt
from rebuilders.plan.recipe import Candidate, Locked
from rebuilders.plan.requirement import parse_requirement
from witness.canonical import dumps
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Incomplete, Malformed
from witness.escape import printable
from witness.store.directory import DirectoryStore

# Of uv's own variables, those that say how to reach an index; the others change what is resolved.
UV_REACH: Final = frozenset({"UV_HTTP_TIMEOUT", "UV_INSECURE_HOST", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS"})
_UNSATISFIABLE: Final = ("No solution found", "not found in the package registry", "no versions of")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Args: uv: the program; endpoint: the index's base URL; cache: a directory of ours."""

    uv: Path
    endpoint: str
    cache: Path

    def resolve(
        self,
        candidate: Candidate,
        interpreter: Interpreter,
        *,
        timeout: float,
        built: tuple[Locked, ...] = (),
    ) -> tuple[Locked, ...]:
        """The build environment's distributions, by name, found within `timeout` seconds.

        The same question with a date gets the same answer from the cache, since the past does not change. `built`
        are wheels made here, of which the index has none; they may be used like those of the index.

        Raises:
            NotBuilt: no solution, or one that needs an sdist.
            FetchFailed: the index could not be asked.
        """
        if not candidate.requirements:
            return ()
        locked = self._recall(candidate, interpreter) if not built else None
        if locked is None:
            locked = self._ask(candidate, interpreter, timeout, built)
            self._remember(candidate, interpreter, locked)
        return locked

    @property
    def _locks(self) -> DirectoryStore:
        return DirectoryStore(self.cache / "locks")

    def _recall(self, candidate: Candidate, interpreter: Interpreter) -> tuple[Locked, ...] | None:
        path = self._locks.root / self._name(candidate, interpreter)
        if candidate.as_of is None or not path.exists():
            return None
        try:
            locked = tuple(Locked(**item) for item in json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None  # damaged: resolved again
        wheels = BuiltWheels(self.cache)
        return locked if all(wheels.holds(item) for item in locked if item.source) else None

    def _remember(self, candidate: Candidate, interpreter: Interpreter, locked: tuple[Locked, ...]) -> None:
        if candidate.as_of is not None:
            told = json.dumps([asdict(item) for item in locked]).encode()
            self._locks.put(self._name(candidate, interpreter), told)

    def _name(self, candidate: Candidate, interpreter: Interpreter) -> str:
        question = {
            "requirements": sorted(candidate.requirements),
            "constraints": sorted(candidate.constraints),
            "asOf": candidate.as_of.isoformat() if candidate.as_of else None,
            "python": interpreter.version,
            "index": self.endpoint,
        }
        return f"{sha256_hex(dumps(question))}.json"

    def _ask(
        self, candidate: Candidate, interpreter: Interpreter, timeout: float, built: tuple[Locked, ...]
    ) -> tuple[Locked, ...]:
        for text in (*candidate.requirements, *candidate.constraints):
            _check(text)
        work = self.cache / "uv"
        work.mkdir(parents=True, exist_ok=True)
        argv = [str(self.uv), "pip", "compile", "-", "--format", "pylock.toml", "--quiet", "--no-header"]
        argv += ["--only-binary", ":all:", "--no-config", "--cache-dir", str(work), "--no-annotate"]
        argv += ["--default-index", self.endpoint, "--python", str(interpreter.executable)]
        for (
            item
        ) in built:  # to which --exclude-newer does not apply, as no index says when they were uploaded
            argv += ["--find-links", str(BuiltWheels(self.cache).directory(item))]
        if candidate.as_of is not None:
            argv += ["--exclude-newer", candidate.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")]
        with tempfile.NamedTemporaryFile("w", dir=work, suffix=".txt") as constraints:
            constraints.write("\n".join(candidate.constraints))
            constraints.flush()
            argv += ["--constraints", constraints.name]
            done = self._run(argv, "\n".join(candidate.requirements), timeout)
        if done.returncode:
            raise _failure(done.stderr)
        return _locked(tomllib.loads(done.stdout), interpreter, built)

    def _run(self, argv: list[str], requirements: str, timeout: float) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                argv,
                input=requirements,
                capture_output=True,
                text=True,
                timeout=timeout,
                cwd=self.cache,
                env={k: v for k, v in os.environ.items() if k in UV_REACH or not k.startswith("UV_")},
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FetchFailed(f"resolving build requirements took more than {timeout:.0f} s") from None
        except OSError as error:
            raise Incomplete(f"{self.uv}: {error.strerror}") from None


def _check(text: str) -> None:
    """Refuses what would be more in uv's input than a release: whoever made it, this is the last place to look."""
    try:
        parse_requirement(text)
    except Malformed as error:
        raise NotBuilt(
            f"not a requirement that is resolved here: {error}",
            result="build-failed",
            phase="resolve",
            cause="invalid-requirement",
        ) from None


def _failure(stderr: str) -> NotBuilt | FetchFailed:
    words = printable(" ".join(stderr.split()), limit=600)
    if any(sign in stderr for sign in _UNSATISFIABLE):
        return NotBuilt(
            f"the build requirements cannot be resolved: {words}",
            result="build-failed",
            phase="resolve",
            cause="unsatisfiable",
        )
    return FetchFailed(f"uv could not resolve the build requirements: {words}")


def _locked(lock: dict[str, Any], interpreter: Interpreter, built: tuple[Locked, ...]) -> tuple[Locked, ...]:
    packages = Pylock.from_dict(lock).packages
    tags = {tag: rank for rank, tag in enumerate(tags_of(interpreter))}
    here = {item.sha256: item for item in built}
    found = (_wheel(package, tags) for package in sorted(packages, key=lambda package: package.name))
    return tuple(here.get(item.sha256, item) for item in found)


def tags_of(interpreter: Interpreter) -> tuple[Tag, ...]:
    """The wheels that `interpreter` can use, by their tags, best first (PEP 425)."""
    version = tuple(int(part) for part in interpreter.minor.split("."))
    compatible = compatible_tags(version, f"cp{version[0]}{version[1]}")
    return (*cpython_tags(version), *compatible)


def _wheel(package: Package, tags: dict[Tag, int]) -> Locked:
    """The wheel of `package` that an installer would take."""
    ranked = []
    for wheel in package.wheels or ():
        name = wheel.name or (wheel.url or "").rsplit("/", 1)[-1]
        ranks = [tags[tag] for tag in parse_wheel_filename(name)[3] if tag in tags]
        if ranks and wheel.url and "sha256" in wheel.hashes:
            ranked.append((min(ranks), name, wheel))
    if not ranked:
        raise NotBuilt(
            f"the build requirement {package.name} {package.version} has no wheel for this interpreter",
            result="build-failed",
            phase="resolve",
            cause="no-wheel",
        )
    _, name, wheel = min(ranked, key=lambda item: item[:2])
    return Locked(
        package.name, str(package.version), name, wheel.url or "", wheel.hashes["sha256"], wheel.size
    )
