"""The entry points that an sdist declares, and those that a wheel has, in one form."""

from collections.abc import Iterator

from rebuilders.static.sources import Sources, pairs, strings

EntryPoints = dict[tuple[str, str], str]  # (group, name) to object, without white space


def entry_points_of(sources: Sources) -> EntryPoints | None:
    """Those of the first file that declares any; a build reads them in this order of precedence."""
    readers = (_project_entry_points, _tool_entry_points, _setup_cfg_entry_points, _setup_py_entry_points)
    for reader in readers:
        if found := dict(reader(sources)):
            return found
    text = sources.egg_text("entry_points.txt")
    return None if text is None else parse_entry_points(text)


def _project_entry_points(sources: Sources) -> Iterator[tuple[tuple[str, str], str]]:
    yield from _group("console_scripts", sources.table("project", "scripts"))
    yield from _group("gui_scripts", sources.table("project", "gui-scripts"))
    for group, table in sources.table("project", "entry-points").items():
        yield from _group(group, table)


def _tool_entry_points(sources: Sources) -> Iterator[tuple[tuple[str, str], str]]:
    backend = sources.sdist.facts.build_backend
    if backend.startswith("poetry"):
        scripts = sources.table("tool", "poetry", "scripts")
        yield from _group("console_scripts", {name: _reference(told) for name, told in scripts.items()})
        for group, table in sources.table("tool", "poetry", "plugins").items():
            yield from _group(group, table)
    if backend.startswith("flit"):
        yield from _group("console_scripts", sources.table("tool", "flit", "scripts"))
        for group, table in sources.table("tool", "flit", "entrypoints").items():
            yield from _group(group, table)


def _reference(told: object) -> object:
    return told.get("reference", told.get("callable")) if isinstance(told, dict) else told


def _setup_cfg_entry_points(sources: Sources) -> Iterator[tuple[tuple[str, str], str]]:
    section = "options.entry_points"
    for group in sources.setup_cfg.options(section) if sources.setup_cfg.has_section(section) else ():
        yield from _group(group, dict(pairs(sources.setup_cfg.get(section, group))))


def _setup_py_entry_points(sources: Sources) -> Iterator[tuple[tuple[str, str], str]]:
    told = sources.setup_py.get("entry_points")
    if isinstance(told, str):
        yield from (parse_entry_points(told.encode("utf-8", "replace")) or {}).items()
    for group, lines in told.items() if isinstance(told, dict) else ():
        text = lines if isinstance(lines, str) else "\n".join(strings(lines))
        yield from _group(group, dict(pairs(text)))


def _group(group: object, table: object) -> Iterator[tuple[tuple[str, str], str]]:
    for name, value in table.items() if isinstance(table, dict) else ():
        if isinstance(group, str) and isinstance(name, str) and isinstance(value, str):
            yield (group.strip(), name.strip()), "".join(value.split())


def parse_entry_points(data: bytes) -> EntryPoints | None:
    """The content of an entry_points.txt; None if two readers might differ about it."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    found: EntryPoints = {}
    groups: set[str] = set()
    group = None
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
            if group in groups:
                return None
            groups.add(group)
            continue
        name, separator, value = line.partition("=")
        key = (group or "", name.strip())
        if (
            group is None
            or not separator
            or not key[1]
            or ":" in key[1]  # where configparser ends a name, and importlib.metadata does not
            or key in found
            or raw[0] in " \t"
            or not raw.isprintable()
        ):
            return None
        found[key] = "".join(value.split())
    return found
