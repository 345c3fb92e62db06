"""The files of a site in the order of their paths, and in which order they are to be sent.

A reader who finds a file must find what it leads to. So: tiles and bundles of entries; what is read by digest or
prefix; which prefixes there are; what pages are made with; pages; what the node says of itself; last the checkpoint.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from witness.errors import Incomplete, InputError
from witness.store.interface import check_path

CHECKPOINT: Final = "checkpoint"
WIDTH: Final = "lookup/width.json"
ABOUT: Final = "node.json"
TILES: Final = "tile"
# What only a node writes there. Everything else is pages.
DATA: Final = ("cosigned", "evidence", "keys.jsonl", "lookup", "observations", "reports")
APART: Final = frozenset({CHECKPOINT, WIDTH})  # sent as they were when the copy began


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the order: the names at the top of the site that `takes` accepts, and of what is there the paths that
    `has` accepts.
    """

    takes: Callable[[str], bool]
    has: Callable[[str], bool]


def _is_page(name: str) -> bool:
    return name not in {TILES, ABOUT, CHECKPOINT, *DATA}


TILE_STEP: Final = Step(lambda name: name == TILES, lambda _: True)
DATA_STEP: Final = Step(lambda name: name in DATA, lambda _: True)
# `lookup/width.json` comes between these, and the checkpoint after them.
PAGE_STEPS: Final = (
    Step(_is_page, lambda path: not path.endswith(".html")),
    Step(_is_page, lambda path: path.endswith(".html")),
    Step(lambda name: name == ABOUT, lambda _: True),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the site: its path, what the file system says of it, and how many bytes it had."""

    path: str
    stat: str
    size: int


def tops(site: Path) -> frozenset[str]:
    """The names at the top of the site. Raises InputError if there is no such directory."""
    try:
        return frozenset(name for path in site.iterdir() if _is_ours(name := path.name))
    except OSError as error:
        raise InputError(f"{site}: {error.strerror}") from None


def files(
    site: Path, top: str, has: Callable[[str], bool], left_out: Callable[[str], None]
) -> Iterator[Found]:
    """The files at or below the name `top` whose paths `has` accepts, in the order of their paths.

    Names that begin with a dot are unfinished, links are followed by no server, and what vanishes meanwhile is no
    error. A path that a store cannot have is given to `left_out`.
    """
    yield from _files(f"{site}/{top}", top, has, left_out)


def _files(
    at: str, path: str, has: Callable[[str], bool], left_out: Callable[[str], None]
) -> Iterator[Found]:
    listed = _listed(at)
    if listed is None:
        if has(path) and (found := _look(at, path)) is not None:
            yield found
        return
    for name in listed:  # by strings: of a hundred thousand files, a Path for each would be half of the time
        below = f"{path}/{name.rstrip('/')}"
        if name.endswith("/"):
            yield from _files(f"{at}/{name[:-1]}", below, has, left_out)
        elif not has(below):
            continue
        elif not is_path(below):
            left_out(below)
        elif (found := _look(f"{at}/{name}", below)) is not None:
            yield found


def _listed(at: str) -> list[str] | None:
    """The names of files in the directory `at`, and of directories with a slash behind them, as paths sort.

    None if it is a file, and no name if it is a link, or has vanished.
    """
    try:
        if stat.S_ISLNK(os.lstat(at).st_mode):
            return []
        with os.scandir(at) as entries:
            return sorted(
                f"{item.name}/" if item.is_dir(follow_symlinks=False) else item.name
                for item in entries
                if _is_ours(item.name) and not item.is_symlink()
            )
    except NotADirectoryError:
        return None
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Incomplete(f"{at}: {error.strerror}") from None


def look(at: Path, path: str) -> Found | None:
    """The file at `at`, which has `path` in the site; None if there is none."""
    return _look(str(at), path)


def _look(at: str, path: str) -> Found | None:
    try:
        seen = os.lstat(at)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Incomplete(f"{at}: {error.strerror}") from None
    if not stat.S_ISREG(seen.st_mode):
        return None
    return Found(path, f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_ino}", seen.st_size)


def is_path(path: str) -> bool:
    """Whether a store can have a file at `path`."""
    try:
        check_path(path)
    except InputError:
        return False
    return True


def _is_ours(name: str) -> bool:
    return not name.startswith(".")
