"""Which file of the sdist each member of the payload is, and why not, where it is none. A member follows if it is,
byte for byte, a plain file at the one place that is allowed to it.

Allowed is, for everything at the wheel's top that has one name (a package or a module): the place that the project's
own configuration names; or else the one of `ROOTS` that has anything of that name; or else one root for the whole
payload, which must have every member and be named in a file that says how to build. Never another place: a file of
the tests that was moved over a module of the package is a file of the sdist, too.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from packaging.utils import canonicalize_name

from rebuilders.facts.sdist import Sdist
from rebuilders.static.declared import Declared
from witness.wheel.manifest import Member

ROOTS: Final = ("", "src/", "lib/")
_APART: Final = (
    ".data",
    ".dist-info",
    ".egg-info",
)  # what installers treat otherwise, whatever is before the dot
_ASIDE: Final = frozenset(
    (
        "benchmark", "benchmarks", "build", "dist", "doc", "docs", "example", "examples", "fixtures", "sample",
        "samples", "test", "testing", "tests",
    )
)  # fmt: skip # directories whose files are for something else than the package


@dataclass(frozen=True, slots=True)
class Open:
    """A member that does not follow: the reason, a word of docs/explanation/static.md.

    `foreign`: its bytes are not empty, and no file of the sdist has them.
    """

    path: str
    reason: str
    foreign: bool = False


@dataclass(frozen=True)
class Files:
    """The files of an sdist by what they hold. Hashes only what might be equal, and each file once."""

    sdist: Sdist

    @cached_property
    def _by_size(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for path, member in self.sdist.facts.members.items():
            found[member.size].append(path)
        return found

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {}

    @cached_property
    def named(self) -> dict[str, bool]:
        """Whether a file that says how to build names something, as far as that was asked."""
        return {}

    def digest(self, path: str) -> str:
        if path not in self._digests:
            self._digests[path] = hashlib.sha256(self.sdist.content(path)).hexdigest()
        return self._digests[path]

    def has(self, path: str, member: Member) -> bool:
        """Whether `path` is a plain file of the sdist with the bytes of `member`."""
        held = self.sdist.facts.members.get(path)
        if held is None or held.size != member.size:
            return False
        return self.digest(path) == member.sha256

    def is_foreign(self, member: Member) -> bool:
        """Whether no file of the sdist has the bytes of `member`, which are not empty."""
        alike = self._by_size.get(member.size, ())
        return member.size > 0 and not any(self.digest(path) == member.sha256 for path in alike)


@dataclass(frozen=True, slots=True)
class Placed:
    """`places`: the file of the sdist for each member that follows. `roots`: where they begin, for people."""

    places: dict[str, str]
    open: tuple[Open, ...]
    roots: tuple[str, ...]


def place(payload: dict[str, Member], files: Files, declared: Declared, project: str) -> Placed:
    """Places the members of `payload`, which are those outside `.dist-info` and `.data`."""
    roots = _roots(payload, files, declared)
    places: dict[str, str] = {}
    left: list[Open] = []
    tried: set[str] = set()
    for path, member in payload.items():
        told = declared.place(path)
        root = roots.get(_top(path), "?")
        target = told if told is not None else root + path
        tried.add(target)
        reason = _why_not(member, target, files)
        if not reason and not _is_expected(path, target, files, declared, project):
            reason = "unexpected-at-top"
        if reason and told is None and root in ("?", "??"):
            reason = "ambiguous-place" if root == "??" else reason
        if reason:
            left.append(Open(path, reason, files.is_foreign(member)))
        else:
            places[path] = target
    left.extend(_left_out(places, tried, files))
    tops = {_top(path).split(".")[0] for path in payload}
    missing = (declared.tops or {project.replace("-", "_")}) - tops
    left.extend(Open(top, "left-out") for top in sorted(missing) if _is_package(top, files))
    used = sorted({target.removesuffix(path) for path, target in places.items() if target.endswith(path)})
    return Placed(places, tuple(left), tuple(used))


def _why_not(member: Member, target: str, files: Files) -> str:
    """Why the file `target` of the sdist is not `member`; nothing if it is."""
    path = member.path
    held = files.sdist.facts.members.get(target)
    if path.endswith(".pth"):
        return "pth-file"
    if "/" in path and _top(path).casefold().endswith(_APART):
        return "data-not-declared"
    if held is None:
        return "not-in-sdist"
    if not files.has(target, member):
        return "other-content"
    if member.executable and not held.mode & 0o111:
        return "executable-bit"
    return ""


def _is_expected(path: str, target: str, files: Files, declared: Declared, project: str) -> bool:
    """Whether the wheel is to have something of this name at its top, as far as that is declared.

    The top of an sdist has much that no wheel is to have, such as setup.py and the tests. What comes from there to
    the wheel's top is named as the project is; or it is declared; or it is a directory that a file of the build
    names, and not one for something else than the package.
    """
    top = _top(path)
    name = top.split(".")[0]
    if path in declared.places or canonicalize_name(name) == project:
        return path.endswith(".py") or "/" in path or path in declared.places
    if declared.tops is not None:
        return name in declared.tops
    if target != path or declared.place(path) is not None:
        return "/" in target
    return "/" in path and name.casefold() not in _ASIDE and _is_named(name, files)


def _is_named(part: str, files: Files) -> bool:
    """Whether a file that says how to build has `part` as a name of its own."""
    if part not in files.named:
        files.named[part] = any(_names(text, part) for text in files.sdist.facts.texts.values())
    return files.named[part]


def _top(path: str) -> str:
    return path.split("/", 1)[0]


def _roots(payload: Collection[str], files: Files, declared: Declared) -> dict[str, str]:
    """The root of everything at the wheel's top; "?" where there is none, "??" where there are several."""
    members = files.sdist.facts.members
    free = [path for path in payload if declared.place(path) is None]
    tops = {_top(path): "/" in path for path in free}
    starts = {root + top + ("/" if nested else "") for top, nested in tops.items() for root in ROOTS}
    there = {start for start in starts if start in members}
    there |= {start for path in members for start in _starts(path) if start in starts}
    found: dict[str, str] = {}
    for top, nested in tops.items():
        fitting = [root for root in ROOTS if root + top + ("/" if nested else "") in there]
        found[top] = fitting[0] if len(fitting) == 1 else "??" if fitting else "?"
    alike = len(free) == len(payload) and set(found.values()) == {"?"}
    if alike and (root := _inferred(free, files)):
        return dict.fromkeys(found, root)
    return found


def _starts(path: str) -> tuple[str, ...]:
    """The directories at the first two levels that `path` lies in."""
    parts = path.split("/", 2)
    return tuple("/".join(parts[:count]) + "/" for count in range(1, len(parts)))


def _inferred(paths: list[str], files: Files) -> str:
    """The one directory of the sdist below which every one of `paths` is; nothing if it is not exactly one."""
    members = files.sdist.facts.members
    first = max(paths, key=len)
    roots = {path.removesuffix(first) for path in members if path.endswith(f"/{first}")}
    fitting = [root for root in roots if all(root + path in members for path in paths)]
    if len(fitting) != 1:
        return ""
    root = fitting[0].rstrip("/")
    parts = root.split("/")
    texts = files.sdist.facts.texts.values()
    named = any(_names(text, root) or all(_names(text, part) for part in parts) for text in texts)
    return fitting[0] if named and not _ASIDE & {part.casefold() for part in parts} else ""


def _names(text: str, part: str) -> bool:
    """Whether `part` stands in `text` as a name of its own, not within another and not behind a slash."""
    return re.search(rf"(?<![\w./-]){re.escape(part)}(?![\w-])", text) is not None


def _left_out(places: dict[str, str], tried: set[str], files: Files) -> Iterable[Open]:
    """Modules that the sdist has beside those of a package, and the wheel has not."""
    packages = {
        _parent(target): _parent(path)
        for path, target in places.items()
        if path.endswith(".py") and "/" in path and path.rpartition("/")[2] == target.rpartition("/")[2]
    }
    for path in files.sdist.facts.members:
        if path.endswith(".py") and path not in tried and (package := packages.get(_parent(path))):
            yield Open(package + path.rpartition("/")[2], "left-out")


def _is_package(top: str, files: Files) -> bool:
    members = files.sdist.facts.members
    return top.isidentifier() and any(
        f"{root}{top}{end}" in members for root in ROOTS for end in (".py", "/__init__.py")
    )


def _parent(path: str) -> str:
    return path[: path.rfind("/") + 1]
