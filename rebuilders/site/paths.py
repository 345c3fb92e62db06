"""Where each page is, below the top of a site. Pure.

Every path is one that a store can have (`witness.store.interface`), whatever a project is called, and ends in a file's
name: pages work from a disk, and from servers that know no directory's index.
"""

from typing import Final

from witness.digest import sha256_hex
from witness.errors import InputError
from witness.store.interface import check_path

FRONT: Final = "index.html"
SEARCH: Final = "search.html"
REGRESSIONS: Final = "regressions.html"
REGRESSIONS_FEED: Final = "regressions.xml"
DISAGREEMENTS: Final = "disagreements.html"
ABOUT: Final = "check.html"
STYLE: Final = "site.css"
SCRIPT: Final = "site.js"
ICON: Final = "icon.svg"

# What is below these is ours alone, and is removed if no page of the site leads there.
PROJECTS: Final = "project"
FILES: Final = "file"
BROWSE: Final = "browse"
SHARDS: Final = "search"

UNNAMED: Final = "?"  # stands for the project of files whose name tells none
PART: Final = 200  # files on a page of a project
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_MAX_SLUG: Final = 120


def slug(project: str) -> str:
    """What stands for `project` in paths: its normalised name, if that can be a file's on every system."""
    try:
        check_path(f"{project}.html")
    except InputError:
        plain = False
    else:
        plain = len(project) <= _MAX_SLUG and "." not in project and "/" not in project
    return project if plain else f"_{sha256_hex(project.encode('utf-8', 'backslashreplace'))[:24]}"


def project_page(project: str, part: int = 0) -> str:
    """The page of a project; `part` counts pages of its older files, from 1."""
    return f"{PROJECTS}/{slug(project)}{f'.{part}' if part else ''}.html"


def project_feed(project: str) -> str:
    """Its regressions, as Atom."""
    return f"{PROJECTS}/{slug(project)}.xml"


def project_badge(project: str, kind: str) -> str:
    """Its badge; `kind` is svg or json."""
    return f"{PROJECTS}/{slug(project)}.{kind}"


def of_project(project: str, files: int) -> list[str]:
    """Every path of a project that has so many files."""
    parts = range(-(-files // PART))
    pages = [project_page(project, part) for part in parts] or [project_page(project)]
    return [*pages, project_feed(project), project_badge(project, "svg"), project_badge(project, "json")]


def file_page(sha256: str) -> str:
    """The page of the file with this digest."""
    return f"{FILES}/{sha256[:2]}/{sha256}.html"


def file_badge(sha256: str, kind: str) -> str:
    """Its badge; `kind` is svg or json."""
    return f"{FILES}/{sha256[:2]}/{sha256}.{kind}"


def browse_page(prefix: str) -> str:
    """The list of projects whose names begin with `prefix`."""
    return f"{BROWSE}/names-{_spelled(prefix)}.html"


def shard(prefix: str) -> str:
    """The same for the search, as JSON."""
    return f"{SHARDS}/names-{_spelled(prefix)}.json"


def report(sha256: str) -> str:
    """Where a node leaves its difference report of a file, below the directory of its reports."""
    return f"{sha256[:2]}/{sha256}.json"


def relative(source: str, target: str) -> str:
    """The reference from the page at `source` to `target`."""
    return "../" * source.count("/") + target


def _spelled(prefix: str) -> str:
    # A name may end in what a file's name before its dot may not be, such as "?".
    return "".join(char if char in _PLAIN else f"_{ord(char):x}" for char in prefix)
