"""Runs a recipe: the PEP 517 hooks, called by `build`, each in a sandbox of its own.

`build` sees a directory that holds nothing but the sdist's pyproject.toml; it validates that, and calls the hooks
through the runner given to it. The sdist itself is unpacked only inside, by `rebuilders.inside.driver`.
"""

import json
import os
import posixpath
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import build as pypa_build
from pyproject_hooks import BackendUnavailable

from rebuilders.environment.install import PYTHON
from rebuilders.errors import NotBuilt
from rebuilders.facts.sdist import SdistFacts
from rebuilders.plan.recipe import Frontend, LineEnds, Modes
from rebuilders.plan.requirement import parse_requirement
from rebuilders.sandbox.interface import Finished, Job, Limits, Mount, Sandbox
from witness.canonical import loads
from witness.errors import Incomplete, Malformed, WheelwitnessError
from witness.escape import printable
from witness.limits import KIB, MIB
from witness.names import WheelName

_DRIVER: Final = "/in/driver.py"
_SCRIPT: Final = "/in/hook.py"
_SETUP_PY: Final = "setup.py"  # in a hook's place
_SOURCE: Final = "/build/src"
_WHEELS: Final = "/build/wheels"
_FILE_TOO_LARGE: Final = 128 + signal.SIGXFSZ
_MAX_HEADER: Final = 1 * MIB
_NO_CALL: Final = ("no_backend", "hook_missing", "unsupported")  # pyproject-hooks: why a hook was not called
_MAX_VARIABLE: Final = 64 * KIB  # Linux gives one string 128 KiB
_MAX_ASKED: Final = 256  # requirements that a backend may ask for

# What the end of a failed build's log says about the cause, most telling first.
_CAUSES: Final = (
    (b"No space left on device", "disk-limit"),
    (b"File too large", "disk-limit"),
    (b"MemoryError", "memory-limit"),
    (b"Cannot allocate memory", "memory-limit"),
    (b"Too many open files", "descriptor-limit"),
    (b"can't start new thread", "process-limit"),
    (b"Cannot fork", "process-limit"),
    (b"Resource temporarily unavailable", "process-limit"),
    (b"Temporary failure in name resolution", "needs-network"),
    (b"Name or service not known", "needs-network"),
    (b"Network is unreachable", "needs-network"),
    (b"Could not find a version that satisfies", "needs-network"),
    (b"BackendUnavailable", "backend-unavailable"),
    (b"No module named", "missing-module"),
    (b"No such file or directory: 'gcc'", "needs-compiler"),
    (b"command 'gcc' failed", "needs-compiler"),
    (b"command 'cc' failed", "needs-compiler"),
    (b"No such file or directory: 'git'", "needs-git"),
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to build, and how: the part of a recipe that the sandbox needs."""

    sdist: bytes
    facts: SdistFacts
    variables: dict[str, str]
    umask: int
    modes: Modes
    environment: tuple[Mount, ...]
    limits: Limits
    frontend: Frontend = "pep517"
    options: tuple[str, ...] = ()
    line_ends: LineEnds = "lf"


@dataclass(frozen=True, slots=True)
class Built:
    """A wheel that came out, and the log of making it."""

    filename: str
    data: bytes
    log: bytes


def ask_requirements(order: Order, sandbox: Sandbox) -> tuple[str, ...]:
    """What the backend wants besides (`get_requires_for_build_wheel`). Raises NotBuilt."""
    runner = _Runner(order, sandbox)
    with _project(order, runner) as project:
        asked = project.get_requires_for_build("wheel")
    if len(asked) > _MAX_ASKED:
        raise _not_requirements(f"{len(asked)} of them, more than the {_MAX_ASKED} allowed")
    return tuple(sorted(map(_requirement, asked)))


def _requirement(text: object) -> str:
    """`text`, if it names releases. An address in it would have the node ask whomever the package wants it to."""
    if not isinstance(text, str):
        raise _not_requirements(f"{type(text).__name__} instead of a string")
    try:
        parse_requirement(text)
    except Malformed as error:
        raise _not_requirements(str(error)) from None
    return text


def _not_requirements(words: str) -> NotBuilt:
    return NotBuilt(
        f"the backend asks for requirements that are none: {printable(words)}",
        result="build-failed",
        phase="hook",
        cause="invalid-requirement",
    )


def build_wheel(order: Order, sandbox: Sandbox) -> Built:
    """Runs the hook `build_wheel`, or `setup.py bdist_wheel` where the recipe says so. Raises NotBuilt."""
    runner = _Runner(order, sandbox)
    if order.frontend == "setup.py":
        runner.run(_SETUP_PY, {"options": list(order.options)}, {}, {})
    else:
        with _project(order, runner) as project, tempfile.TemporaryDirectory() as nowhere:
            project.build("wheel", nowhere)
    name, data = runner.wheel
    try:
        WheelName.parse(name)
    except Malformed as error:
        raise NotBuilt(str(error), result="build-failed", phase="output", cause="bad-filename") from None
    return Built(name, data, runner.log)


@contextmanager
def _project(order: Order, runner: "_Runner") -> Iterator[pypa_build.ProjectBuilder]:
    with tempfile.TemporaryDirectory(prefix="wheelwitness-") as directory:
        runner.host_source = directory
        try:
            _lay_out(Path(directory), order.facts)
            yield pypa_build.ProjectBuilder(directory, python_executable=PYTHON, runner=runner)
        except _OF_BUILD as error:  # `build` wraps whatever its runner raises
            if runner.failure is not None:
                raise runner.failure from None
            raise _refused(error, runner.log) from None


# ValueError: backend-path leads out of the source. TypeError: a hook returned something that has no name.
_OF_BUILD: Final = (
    pypa_build.BuildException, pypa_build.BuildBackendException, ValueError, TypeError, RecursionError,
)  # fmt: skip


def _lay_out(directory: Path, facts: SdistFacts) -> None:
    """What `build` looks at: one of two files, of which it reads the first, and whether backend-path is there."""
    name = "pyproject.toml" if "pyproject.toml" in facts.texts else "setup.py"
    (directory / name).write_text(facts.texts.get("pyproject.toml", ""), "utf-8")
    told = (facts.build_system or {}).get("backend-path", ())
    for entry in filter(lambda entry: isinstance(entry, str), told if isinstance(told, list) else ()):
        inside = posixpath.normpath(entry)
        # Members' paths have been checked: what one of them begins with leads nowhere else.
        if any(path.startswith(f"{inside}/") for path in facts.members):
            try:
                (directory / inside).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ValueError(f"backend-path: {error.strerror}") from None


def _refused(error: Exception, log: bytes) -> WheelwitnessError:
    inner = getattr(error, "exception", None)
    if isinstance(inner, OSError):  # of this machine, and its temporary files
        return Incomplete(f"{inner.filename or 'temporary files'}: {inner.strerror}")
    return NotBuilt(
        f"not a project that can be built: {printable(str(error))}",
        result="build-failed",
        phase="hook",
        cause="backend-unavailable" if isinstance(inner, BackendUnavailable) else "invalid-project",
        log=log,
    )


@dataclass(slots=True)
class _Runner:
    """The runner that `build` calls: one hook, in the sandbox. Its last failure, log and wheel stay in it."""

    order: Order
    sandbox: Sandbox
    host_source: str = ""
    failure: WheelwitnessError | None = None
    log: bytes = b""
    wheel: tuple[str, bytes] = field(default=("", b""))

    def __call__(
        self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:  # the names are those of pyproject_hooks.SubprocessRunner
        del cwd  # the source lies elsewhere inside
        _python, script, hook, control = cmd
        try:
            self._call(Path(script), hook, Path(control), dict(extra_environ or {}))
        except WheelwitnessError as failure:
            self.failure = failure
            raise

    def _call(self, script: Path, hook: str, control: Path, variables: dict[str, str]) -> None:
        top = f"{_SOURCE}/{self.order.facts.top}"
        kwargs = json.loads((control / "input.json").read_bytes())["kwargs"]
        if "wheel_directory" in kwargs:
            kwargs["wheel_directory"] = _WHEELS
        inside = {name: value.replace(self.host_source, top) for name, value in variables.items()}
        if any("\0" in value or len(os.fsencode(value)) > _MAX_VARIABLE for value in inside.values()):
            raise ValueError("build-backend or backend-path cannot be given to a process")
        answer = self.run(hook, kwargs, inside, {_SCRIPT: script.read_bytes()})
        (control / "output.json").write_text(json.dumps(answer), "utf-8")

    def run(
        self, hook: str, kwargs: dict[str, Any], variables: dict[str, str], files: dict[str, bytes]
    ) -> dict[str, Any]:
        """Runs `hook` inside, a PEP 517 hook or `_SETUP_PY`; returns what it answered. Raises NotBuilt."""
        order = self.order
        sdist = f"/in/{order.facts.filename}"
        request = {
            "sdist": sdist,
            "top": order.facts.top,
            "umask": order.umask,
            "modes": order.modes,
            "lineEnds": order.line_ends,
            "path": _backend_path(order) if order.frontend == "pep517-sys-path" else [],
            "hook": hook,
            "kwargs": kwargs,
            "script": _SCRIPT,
        }
        job = Job(
            argv=(PYTHON, _DRIVER, json.dumps(request)),
            mounts=order.environment,
            files={_DRIVER: _driver(), sdist: order.sdist, **files},
            variables={**order.variables, **variables},
            limits=order.limits,
        )
        finished = self.sandbox.run(job)
        self.log += finished.log
        if not finished.ok:
            raise _failed(finished, hook)
        answer, self.wheel = _parse(finished, expect_wheel=hook in ("build_wheel", _SETUP_PY))
        return answer


def _backend_path(order: Order) -> list[str]:
    """Where an in-tree backend lies inside (PEP 517, backend-path)."""
    told = (order.facts.build_system or {}).get("backend-path")
    entries = [entry for entry in told if isinstance(entry, str)] if isinstance(told, list) else []
    return [posixpath.normpath(f"{_SOURCE}/{order.facts.top}/{entry}") for entry in entries]


def _driver() -> bytes:
    return (files("rebuilders.inside") / "driver.py").read_bytes()


def _failed(finished: Finished, hook: str) -> NotBuilt:
    tail = finished.log[-4000:]
    if finished.ended != "exit":
        cause = f"{finished.ended}-limit"
        message = f"the build broke its {finished.ended} limit after {finished.seconds:.1f} s"
    else:
        cause = next((cause for sign, cause in _CAUSES if sign in tail), "backend-error")
        if finished.status == _FILE_TOO_LARGE:
            cause = "disk-limit"
        last = [line for line in tail.decode(errors="replace").splitlines() if line.strip()]
        message = f"the hook {hook} failed: {printable(last[-1]) if last else f'status {finished.status}'}"
    return NotBuilt(message, result="build-failed", phase="build", cause=cause, log=finished.log)


def _parse(finished: Finished, *, expect_wheel: bool) -> tuple[dict[str, Any], tuple[str, bytes]]:
    """The hook's answer and the wheel, out of what the job wrote: strangers' bytes."""
    try:
        size = int.from_bytes(finished.output[:8], "big")
        header = loads(finished.output[8 : 8 + size], what="the build's answer", limit=_MAX_HEADER)
        answer, name = dict(header["hook"]), header["wheel"]
    except (Malformed, KeyError, TypeError, ValueError) as error:
        raise _no_wheel(f"the build left no answer: {printable(str(error))}", finished.log) from None
    answer.pop("warnings", None)
    if not expect_wheel:
        return answer, ("", b"")
    if not isinstance(name, str) and not any(map(answer.get, _NO_CALL)):
        told = printable(repr(answer.get("return_val")), limit=100)
        raise _no_wheel(f"the build left no file of the name that it returned: {told}", finished.log)
    return answer, (str(name), finished.output[8 + size :])


def _no_wheel(message: str, log: bytes) -> NotBuilt:
    return NotBuilt(message, result="build-failed", phase="output", cause="no-wheel", log=log)
