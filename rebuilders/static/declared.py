"""What an sdist's own files declare of the wheel: where its packages are, its entry points, scripts and data.

Each reader below knows one tool's tables and returns what it found in the same form; a table that is not of the
form that the tool asks for declares nothing. The result is what an honest build would read, and is not believed
beyond that: every member is compared with the file of the sdist that it is said to come from.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from rebuilders.static.entry_points import EntryPoints, entry_points_of
from rebuilders.static.sources import Sources, directory, option, pairs, plain_path, strings

_MAX_PLACES: Final = 200  # what a project declares is a handful


@dataclass(slots=True)
class Declared:
    """Args:
    places: from the beginning of a path in the wheel to that of the file in the sdist; directories end with a slash.
    tops: modules and packages that the wheel is to have at its top; None if that is not declared in full.
    entry_points: (group, name) to object, without white space; None if no file declares any.
    scripts: from the name of a script to the file of the sdist. `data` the same for `.data/data`.
    """

    places: dict[str, str] = field(default_factory=dict)
    tops: frozenset[str] | None = None
    entry_points: EntryPoints | None = None
    scripts: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    def place(self, path: str) -> str | None:
        """The file of the sdist that is declared to be `path` in the wheel; the longest beginning counts."""
        fitting = [
            start for start in self.places if path == start or (path.startswith(start) and _ends(start))
        ]
        if not fitting:
            return None
        start = max(fitting, key=len)
        return self.places[start] + path[len(start) :]


def _ends(start: str) -> bool:
    return not start or start.endswith("/")


def declared(sources: Sources) -> Declared:
    """All that the files of an sdist declare."""
    backend = sources.sdist.facts.build_backend.split(":")[0].split(".")[0]
    reader = _BACKENDS.get(backend)
    found = reader(sources) if reader else Declared()
    found.entry_points = entry_points_of(sources)
    if len(found.places) > _MAX_PLACES:
        found.places = {}
    return found


def _setuptools(sources: Sources) -> Declared:
    found = Declared()
    told: dict[Any, Any] = {}
    for value in (
        sources.setup_py.get("package_dir"),
        dict(pairs(option(sources, "options", "package_dir"))),
        sources.table("tool", "setuptools", "package-dir"),
    ):
        told.update(value if isinstance(value, dict) else {})
    for package, place in told.items():
        start = directory(place)
        if isinstance(package, str) and start is not None:
            found.places[package.replace(".", "/") + "/" if package else ""] = start
    if (tops := sources.egg_text("top_level.txt")) is not None:
        found.tops = frozenset(tops.decode("utf-8", "replace").split())
    scripts = sources.setup_py.get("scripts") or option(sources, "options", "scripts").split("\n")
    found.scripts = {path.rpartition("/")[2]: path for path in map(plain_path, strings(scripts)) if path}
    data = sources.setup_py.get("data_files")
    for item in data if isinstance(data, list | tuple) else ():
        if isinstance(item, list | tuple) and len(item) == 2 and (target := directory(item[0])) is not None:
            found.data.update(
                {target + path.rpartition("/")[2]: path for path in map(plain_path, strings(item[1])) if path}
            )
    return found


def _hatch(sources: Sources) -> Declared:
    found = Declared()
    wheel = sources.table("tool", "hatch", "build", "targets", "wheel")
    for told in (sources.table("tool", "hatch", "build"), wheel):
        found.places.update(_rewritten(told.get("sources")))
        for package in strings(told.get("packages")):
            if start := directory(package):
                found.places[start.rstrip("/").rpartition("/")[2] + "/"] = start
        for place, target in _paths(told.get("force-include")):
            found.places.update({target: place, target.rstrip("/"): place.rstrip("/")})
    found.data = {target.rstrip("/"): place.rstrip("/") for place, target in _paths(wheel.get("shared-data"))}
    return found


def _rewritten(told: object) -> dict[str, str]:
    """Hatch's `sources`: directories that are left away, or that get another name."""
    if isinstance(told, list):
        starts = [start for start in map(directory, told) if start]
        return {"": starts[0]} if len(starts) == 1 else {}
    made = ((directory(place), directory(path)) for place, path in _items(told))
    return {path: place for place, path in made if place and path is not None}


def _paths(told: object) -> list[tuple[str, str]]:
    """A table from places in the sdist to paths in the wheel, both ending with a slash."""
    pairs_ = [(directory(place), directory(path)) for place, path in _items(told)]
    return [(place, path) for place, path in pairs_ if place and path]


def _items(told: object) -> list[tuple[Any, Any]]:
    return list(told.items()) if isinstance(told, dict) else []


def _poetry(sources: Sources) -> Declared:
    found = Declared()
    packages = sources.table("tool", "poetry").get("packages")
    for item in packages if isinstance(packages, list) else ():
        told = item if isinstance(item, dict) else {}
        start, end = directory(told.get("from", "")), directory(told.get("to", ""))
        include = str(told.get("include", "")).split("*")[0]
        if start is not None and end is not None and (below := directory(include)):
            suffix = below if "." not in below.rpartition("/")[0].rpartition("/")[2] else below.rstrip("/")
            found.places[end + suffix] = start + suffix
    return found


def _flit(sources: Sources) -> Declared:
    module = sources.table("tool", "flit", "module").get("name")
    module = module or sources.table("tool", "flit", "metadata").get("module") or sources.project
    found = Declared()
    if isinstance(module, str):
        found.tops = frozenset({module.split(".")[0], module.split(".")[0].replace("-", "_")})
    data = directory(sources.table("tool", "flit", "external-data").get("directory"))
    if data:
        found.data = {
            path.removeprefix(data): path for path in sources.sdist.facts.members if path.startswith(data)
        }
    return found


def _pdm(sources: Sources) -> Declared:
    for keys in (("tool", "pdm", "build"), ("tool", "pdm")):
        if (start := directory(sources.table(*keys).get("package-dir"))) is not None:
            return Declared(places={"": start})
    return Declared()


def _uv(sources: Sources) -> Declared:
    told = sources.table("tool", "uv", "build-backend").get("module-root", "src")
    start = directory(told)
    return Declared() if start is None else Declared(places={"": start})


_BACKENDS: Final = {
    "setuptools": _setuptools,
    "hatchling": _hatch,
    "poetry": _poetry,
    "flit": _flit,
    "flit_core": _flit,
    "pdm": _pdm,
    "uv_build": _uv,
}
