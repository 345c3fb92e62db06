"""Runs a recipe: the PEP 517 hooks, called by `build`, each in a sandbox of its own.

`build` sees a directory that holds nothing but the sdist's pyproject.toml; it validates that, and calls the hooks
through the runner given to it. The sdist itself is unpacked only inside, by `rebuilders.inside.driver`.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, Final

import build as pypa_build

from rebuilders.environment.install import PYTHON
from rebuilders.errors import NotBuilt
from rebuilders.facts.sdist import SdistFacts
from rebuilders.plan.recipe import Modes
from rebuilders.sandbox.interface import Finished, Job, Limits, Mount, Sandbox
from witness.canonical import loads
from witness.errors import Malformed
from witness.escape import printable
from witness.limits import MIB
from witness.names import WheelName

_DRIVER: Final = "/in/driver.py"
_SCRIPT: Final = "/in/hook.py"
_SOURCE: Final = "/build/src"
_WHEELS: Final = "/build/wheels"
_MAX_HEADER: Final = 1 * MIB

# What the end of a failed build's log says about the cause, most telling first.
_CAUSES: Final = (
    (b"No space left on device", "disk-limit"),
    (b"File too large", "disk-limit"),
    (b"MemoryError", "memory-limit"),
    (b"Cannot allocate memory", "memory-limit"),
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
    return tuple(sorted(asked))


def build_wheel(order: Order, sandbox: Sandbox) -> Built:
    """Runs the hook `build_wheel`. Raises NotBuilt."""
    runner = _Runner(order, sandbox)
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
        # `build` looks for one of the two; what it reads is the first.
        name = "pyproject.toml" if "pyproject.toml" in order.facts.texts else "setup.py"
        (Path(directory) / name).write_text(order.facts.texts.get("pyproject.toml", ""), "utf-8")
        for path in _backend_path(order.facts):
            (Path(directory) / path).mkdir(parents=True, exist_ok=True)
        runner.host_source = directory
        try:
            yield pypa_build.ProjectBuilder(directory, python_executable=PYTHON, runner=runner)
        except (pypa_build.BuildException, pypa_build.BuildBackendException, NotBuilt) as error:
            raise runner.failure or _refused(error) from None


def _backend_path(facts: SdistFacts) -> Iterator[str]:
    """The directories of an in-tree backend, which `build` wants to see; it refuses those outside by itself."""
    entries = (facts.build_system or {}).get("backend-path", ())
    for entry in entries if isinstance(entries, list) else ():
        path = PurePosixPath(str(entry))
        if (
            not path.is_absolute()
            and ".." not in path.parts
            and any(PurePosixPath(member).is_relative_to(path) for member in facts.members)
        ):
            yield str(path)


def _refused(error: Exception) -> NotBuilt:
    return NotBuilt(
        f"not a project that can be built: {printable(str(error))}",
        result="build-failed",
        phase="hook",
        cause="invalid-project",
    )


@dataclass(slots=True)
class _Runner:
    """The runner that `build` calls: one hook, in the sandbox. Its last failure, log and wheel stay in it."""

    order: Order
    sandbox: Sandbox
    host_source: str = ""
    failure: NotBuilt | None = None
    log: bytes = b""
    wheel: tuple[str, bytes] = field(default=("", b""))

    def __call__(
        self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:  # the names are those of pyproject_hooks.SubprocessRunner
        del cwd  # the source lies elsewhere inside
        _python, script, hook, control = cmd
        try:
            self._call(Path(script), hook, Path(control), dict(extra_environ or {}))
        except NotBuilt as failure:
            self.failure = failure
            raise

    def _call(self, script: Path, hook: str, control: Path, variables: dict[str, str]) -> None:
        order = self.order
        top = f"{_SOURCE}/{order.facts.top}"
        kwargs = json.loads((control / "input.json").read_bytes())["kwargs"]
        if "wheel_directory" in kwargs:
            kwargs["wheel_directory"] = _WHEELS
        sdist = f"/in/{order.facts.filename}"
        request = {
            "sdist": sdist,
            "top": order.facts.top,
            "umask": order.umask,
            "modes": order.modes,
            "hook": hook,
            "kwargs": kwargs,
            "script": _SCRIPT,
        }
        inside = {name: value.replace(self.host_source, top) for name, value in variables.items()}
        job = Job(
            argv=(PYTHON, _DRIVER, json.dumps(request)),
            mounts=order.environment,
            files={_DRIVER: _driver(), _SCRIPT: script.read_bytes(), sdist: order.sdist},
            variables={**order.variables, **inside},
            limits=order.limits,
        )
        finished = self.sandbox.run(job)
        self.log += finished.log
        if not finished.ok:
            raise _failed(finished, hook)
        answer, self.wheel = _parse(finished, expect_wheel=hook == "build_wheel")
        (control / "output.json").write_text(json.dumps(answer), "utf-8")


def _driver() -> bytes:
    return (files("rebuilders.inside") / "driver.py").read_bytes()


def _failed(finished: Finished, hook: str) -> NotBuilt:
    tail = finished.log[-4000:]
    if finished.ended != "exit":
        cause = f"{finished.ended}-limit"
        message = f"the build broke its {finished.ended} limit after {finished.seconds:.1f} s"
    else:
        cause = next((cause for sign, cause in _CAUSES if sign in tail), "backend-error")
        last = [line for line in tail.decode(errors="replace").splitlines() if line.strip()]
        message = f"the hook {hook} failed: {printable(last[-1]) if last else f'status {finished.status}'}"
    return NotBuilt(message, result="build-failed", phase="build", cause=cause, log=finished.log)


def _parse(finished: Finished, *, expect_wheel: bool) -> tuple[dict[str, Any], tuple[str, bytes]]:
    """The hook's answer and the wheel, out of what the job wrote: strangers' bytes."""
    try:
        size = int.from_bytes(finished.output[:8], "big")
        header = loads(finished.output[8 : 8 + size], what="the build's answer", limit=_MAX_HEADER)
        answer, name = dict(header["hook"]), header["wheel"]
        wheel = (str(name), finished.output[8 + size :]) if expect_wheel else ("", b"")
    except (Malformed, KeyError, TypeError, ValueError) as error:
        message = f"the build left no wheel that could be taken: {printable(str(error))}"
        raise NotBuilt(
            message, result="build-failed", phase="output", cause="no-wheel", log=finished.log
        ) from None
    answer.pop("warnings", None)
    return answer, wheel
