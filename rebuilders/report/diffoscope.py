"""diffoscope on two wheels, in the sandbox: a second pair of eyes for people, never part of a signed result.

Its parsers, and the tools that it starts, read hostile files; so it sees nothing but the two files, its own code and
a few tools, has no network, and is bounded in time, memory and size. What it writes is hostile, too: its page is put
into a frame that may do nothing (`framed`).
"""

import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rebuilders.environment.interpreters import Interpreter, interpreter_at
from rebuilders.report.document import Diffoscoped, Document
from rebuilders.sandbox.interface import Ending, Finished, Job, Limits, Mount, Sandbox
from witness.errors import InputError
from witness.escape import printable
from witness.limits import GIB, MIB

_PACKAGES: Final = ("diffoscope", "magic", "libarchive")
_PERHAPS: Final = ("defusedxml",)
_TOOLS: Final = ("cmp", "diff", "file", "nm", "objdump", "readelf", "strings", "xxd", "zipinfo")
_LIBRARIES: Final = ("libmagic.so.1", "libarchive.so.13")
_MAGIC: Final = (
    Path("/usr/lib/file/magic.mgc"),
    Path("/usr/share/misc/magic.mgc"),
    Path("/usr/share/file/magic.mgc"),
)
_PLACE: Final = "/opt/diffoscope"
_MAGIC_INSIDE: Final = f"{_PLACE}/magic.mgc"
_FILES: Final = ("/in/published.whl", "/in/rebuilt.whl")
_SECONDS: Final = 150.0
_NOT_FOLLOWED: Final = 90  # seconds after which diffoscope opens no further archive
_LIMITS: Final = Limits(
    seconds=_SECONDS, resident=2 * GIB, scratch=2 * GIB, file=48 * MIB, processes=64, output=96 * MIB
)
_LOAD: Final = f"import ctypes; [ctypes.CDLL(name) for name in {_LIBRARIES!r}]; import diffoscope.main"
_RUN: Final = "import sys; from diffoscope.main import main; sys.exit(main())"
# The sizes of both files first, so that nothing that diffoscope prints can pass for them.
_SCRIPT: Final = f"""
: > page; : > json
"$1" -s -B -c '{_RUN}' --html page --json json --jquery disable --exclude-directory-metadata yes \
    --timeout {_NOT_FOLLOWED} --max-container-depth 5 --max-page-size {8 * MIB} --max-report-size {16 * MIB} \
    --max-diff-block-lines 500 --max-diff-block-lines-saved 5000 --max-diff-input-lines 200000 \
    {" ".join(_FILES)} >&2
status=$?
echo "$status" $(wc -c < page) $(wc -c < json)
cat page json
"""
_TURNS: Final = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)  # make text read otherwise than it is
_ENDINGS: Final[dict[Ending, str]] = {
    "time": f"it was ended after {_SECONDS:.0f} s",
    "memory": "it was ended because it wanted too much memory",
    "output": "it was ended because it wrote too much",
    "log": "it was ended because it wrote too much",
}


@dataclass(frozen=True, slots=True)
class Diffoscope:
    """diffoscope as this machine has it, ready to be run in `sandbox`."""

    sandbox: Sandbox
    interpreter: Interpreter
    mounts: tuple[Mount, ...]

    @classmethod
    def find(cls, sandbox: Sandbox) -> "Diffoscope":
        """Raises InputError, with the next step, where something is missing; SandboxUnavailable."""
        interpreter = interpreter_at(Path(sys.executable))
        if interpreter is None:
            raise InputError(
                "diffoscope cannot be run: this Python cannot be shown to a sandbox",
                hint="Use a Python whose standard library is below its prefix, or leave out --diffoscope.",
            )
        found = cls(sandbox, interpreter, (*interpreter.mounts, *_packages(), *_tools()))
        finished = sandbox.run(found._job(("-s", "-B", "-c", _LOAD)))
        if not finished.ok:
            raise InputError(
                f"diffoscope does not start in the sandbox: {_last_line(finished)}",
                hint="It needs libmagic and libarchive: apt install libmagic1 libarchive13, or your system's packages.",
            )
        return found

    def run(self, published: bytes, rebuilt: bytes) -> Diffoscoped:
        """What it makes of two wheels. A failure is a result. Raises SandboxUnavailable."""
        wheels = dict(zip(_FILES, (published, rebuilt), strict=True))
        finished = self.sandbox.run(self._job((), wheels, argv=("/bin/sh", "-c", _SCRIPT, "sh")))
        return _parse(finished)

    def look_at(self, document: Document) -> Diffoscoped:
        """What it makes of the wheels that `document` is about."""
        held = document.compared
        if held is None:
            return Diffoscoped({}, "there is no second wheel to look at")
        if held.outcome.level == "bitwise":
            return Diffoscoped({}, "the two are the same file")
        return self.run(held.published.archive.data, held.rebuilt.archive.data)

    def _job(
        self, arguments: tuple[str, ...], files: dict[str, bytes] | None = None, argv: tuple[str, ...] = ()
    ) -> Job:
        return Job(
            argv=(*argv, self.interpreter.inside, *arguments),
            mounts=self.mounts,
            files=files or {},
            variables={
                **self.interpreter.variables,
                "PYTHONPATH": _PLACE,
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC",
                "MAGIC": _MAGIC_INSIDE,
                "LIBARCHIVE": _LIBRARIES[1],  # found by name: there is no compiler inside to ask for it
            },
            limits=_LIMITS,
        )


def framed(page: bytes) -> bytes:
    """The page inside one of ours that lets it do nothing.

    A sandboxed frame without any permission runs no scripts, sends no forms and leads its reader nowhere, not even by
    a refresh, which no policy forbids; and a document in `srcdoc` has the policy of the page around it. Characters that
    turn the direction of text are shown as escapes.
    """
    from jinja2 import Environment, StrictUndefined

    template = (files("rebuilders") / "templates" / "frame.html").read_text("utf-8")
    engine = Environment(autoescape=True, undefined=StrictUndefined)
    text = _TURNS.sub(lambda found: printable(found[0]), page.decode("utf-8", "replace"))
    return engine.from_string(template).render(page=text).encode()


def _packages() -> tuple[Mount, ...]:
    """The packages themselves and nothing beside them: where they are installed there may be anything."""
    mounts = []
    for name in (*_PACKAGES, *_PERHAPS):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            mounts.append(Mount(Path(spec.origin).resolve().parent, f"{_PLACE}/{name}"))
        elif name in _PACKAGES:
            raise InputError(
                f"diffoscope is not installed{'' if name == 'diffoscope' else f' completely: {name} is missing'}",
                hint="Install it beside this program: pip install 'wheelwitness[diffoscope]'.",
            )
    return tuple(mounts)


def _tools() -> tuple[Mount, ...]:
    found = ((name, Path("/usr/bin") / name) for name in _TOOLS)
    tools = [Mount(path.resolve(), f"/usr/bin/{name}") for name, path in found if path.exists()]
    magic = next((path for path in _MAGIC if path.is_file()), None)
    return (*tools, Mount(magic.resolve(), _MAGIC_INSIDE)) if magic else tuple(tools)


def _parse(finished: Finished) -> Diffoscoped:
    """The two files, out of what the job wrote."""
    if finished.ended != "exit":
        return Diffoscoped({}, _ENDINGS[finished.ended])
    head, _, body = finished.output.partition(b"\n")
    words = head.split()
    if len(words) != 3 or not all(word.isdigit() and len(word) < 12 for word in words):
        return Diffoscoped({}, f"it was not heard to the end: {_last_line(finished)}")
    status, page, json = map(int, words)
    if status not in (0, 1) or len(body) != page + json:
        return Diffoscoped({}, f"it failed: {_last_line(finished)}")
    if not page:
        return Diffoscoped({}, "it sees no difference")
    return Diffoscoped({"diffoscope.html": framed(body[:page]), "diffoscope.json": body[page:]})


def _last_line(finished: Finished) -> str:
    lines = [line for line in finished.log.decode(errors="replace").splitlines() if line.strip()]
    return printable(lines[-1], limit=200) if lines else f"status {finished.status}"
