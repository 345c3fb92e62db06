"""The class of a difference as far as its path and kind tell, for whoever has neither wheel: a consumer who reads what
witnesses observed. Like `classes`, a table read from the top. What cannot be told by a name is never called harmless:
no row here is of severity `form`, though a look inside may find it so. Pure.
"""

from collections.abc import Callable
from typing import Final

from witness.differences.classes import BYTECODE, NATIVE, PYTHON, SCRIPT, Row, rows
from witness.observation import Difference

_ROWS: Final = {row.id: row for row in rows()}


def by_name(difference: Difference) -> Row:
    """The class of `difference`, as far as can be told."""
    return next(_ROWS[name] for name, applies in _TABLE if applies(difference))


def _kind(kind: str) -> Callable[[Difference], bool]:
    return lambda item: item.kind == kind


def _below_dist_info(item: Difference) -> str:
    top, _, below = item.path.partition("/")
    return below if top.endswith(".dist-info") else ""


def _is(*names: str) -> Callable[[Difference], bool]:
    return lambda item: _below_dist_info(item) in names


def _code(kind: str | None = None) -> Callable[[Difference], bool]:
    return lambda item: bool(PYTHON.search(item.path)) and kind in (None, item.kind)


_TABLE: Final[tuple[tuple[str, Callable[[Difference], bool]], ...]] = (
    ("other-filename", _kind("filename")),
    ("archive-ambiguity", lambda item: not item.path),
    ("exec-bit", _kind("executable-bit")),
    ("record-wrong", _is("RECORD")),
    ("entry-point-changed", _is("entry_points.txt")),
    ("metadata-unclear", _is("METADATA", "WHEEL")),
    ("pth", lambda item: item.path.lower().endswith(".pth")),
    ("native-code", lambda item: bool(NATIVE.search(item.path))),
    ("bytecode", lambda item: bool(BYTECODE.search(item.path))),
    ("script-changed", lambda item: bool(SCRIPT.search(item.path))),
    ("code-added", _code("only-in-published")),
    ("code-missing", _code("only-in-rebuilt")),
    ("code-changed", _code()),
    ("dist-info-file", lambda item: bool(_below_dist_info(item))),
    ("extra-file", _kind("only-in-published")),
    ("missing-file", _kind("only-in-rebuilt")),
    ("data-changed", lambda _: True),
)
