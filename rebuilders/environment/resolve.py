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
_KEPT: Final = frozenset({"UV_HTTP_TIMEOUT", "UV_INSECURE_HOST", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS"})
_UNSATISFIABLE: Final = ("No solution found", "not found in the package registry", "no versions of")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Args: uv: the program; endpoint: the index's base URL; cache: a directory of ours."""

    uv: Path
    endpoint: str
    cache: Path

    def resolve(
        self, candidate: Candidate, interpreter: Interpreter, *, timeout: float
    ) -> tuple[Locked, ...]:
        """The build environment's distributions, by name, found within `timeout` seconds.

        The same question with a date gets the same answer from the cache, since the past does not change.

        Raises:
            NotBuilt: no solution, or one that needs an sdist.
            FetchFailed: the index could not be asked.
        """
        if not candidate.requirements:
            return ()
        store, name = DirectoryStore(self.cache / "locks"), f"{self._key(candidate, interpreter)}.json"
        path = store.root / name
        if candidate.as_of is not None and path.exists():
            try:
                return tuple(Locked(**item) for item in json.loads(path.read_bytes()))
            except (OSError, ValueError, TypeError):
                pass  # damaged: resolved again below
        locked = self._ask(candidate, interpreter, timeout)
        if candidate.as_of is not None:
            store.put(name, json.dumps([asdict(item) for item in locked]).encode())
        return locked

    def _key(self, candidate: Candidate, interpreter: Interpreter) -> str:
        question = {
            "requirements": sorted(candidate.requirements),
            "constraints": sorted(candidate.constraints),
            "asOf": candidate.as_of.isoformat() if candidate.as_of else None,
            "python": interpreter.version,
            "index": self.endpoint,
        }
        return sha256_hex(dumps(question))

    def _ask(self, candidate: Candidate, interpreter: Interpreter, timeout: float) -> tuple[Locked, ...]:
        for text in (*candidate.requirements, *candidate.constraints):
            _check(text)
        work = self.cache / "uv"
        work.mkdir(parents=True, exist_ok=True)
        argv = [str(self.uv), "pip", "compile", "-", "--format", "pylock.toml", "--quiet", "--no-header"]
        argv += ["--only-binary", ":all:", "--no-config", "--cache-dir", str(work), "--no-annotate"]
        argv += ["--default-index", self.endpoint, "--python", str(interpreter.executable)]
        if candidate.as_of is not None:
            argv += ["--exclude-newer", candidate.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")]
        with tempfile.NamedTemporaryFile("w", dir=work, suffix=".txt") as constraints:
            constraints.write("\n".join(candidate.constraints))
            constraints.flush()
            argv += ["--constraints", constraints.name]
            done = self._run(argv, "\n".join(candidate.requirements), timeout)
        if done.returncode:
            raise _failure(done.stderr)
        return _locked(tomllib.loads(done.stdout), interpreter)

    def _run(self, argv: list[str], requirements: str, timeout: float) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                argv,
                input=requirements,
                capture_output=True,
                text=True,
                timeout=timeout,
                cwd=self.cache,
                env={k: v for k, v in os.environ.items() if k in _KEPT or not k.startswith("UV_")},
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


def _locked(lock: dict[str, Any], interpreter: Interpreter) -> tuple[Locked, ...]:
    packages = Pylock.from_dict(lock).packages
    tags = {tag: rank for rank, tag in enumerate(_tags(interpreter))}
    return tuple(_wheel(package, tags) for package in sorted(packages, key=lambda package: package.name))


def _tags(interpreter: Interpreter) -> tuple[Tag, ...]:
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
