"""Writes the pages, and the tables in pages, that are made from the code. Run it without arguments.

A test compares each with what is committed (tests/unit/docs/test_generated.py).
"""

# ruff: noqa: INP001, E501 - run by its path; rows of tables are lines

import ast
import re
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import typer.main
from typer.testing import CliRunner

from rebuilders.cli.main import app as rebuilder
from rebuilders.plan.backends import BACKENDS, Backend
from witness.cli.main import app as wheelwitness
from witness.compare.ladder import MAX_JUDGED, MAX_USES
from witness.compare.rules.catalogue import RULES
from witness.compare.rules.rule import MAX_SHOWN, Rule
from witness.differences.classes import SEVERITIES, rows

DOCS: Final = Path(__file__).resolve().parent.parent
PROGRAMS: Final = {"wheelwitness": wheelwitness, "rebuilder": rebuilder}
_WIDTH: Final = 78  # what is left of 80 columns
_NOTE: Final = "<!-- Made by docs/reference/generate.py. -->\n"


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    inference = DOCS / "explanation" / "inference.md"
    formats = DOCS / "reference" / "formats.md"
    comparison = DOCS / "explanation" / "comparison.md"
    return {
        DOCS / "reference" / "cli.md": "".join(_cli()),
        DOCS / "reference" / "environment-variables.md": "".join(_variables()),
        DOCS / "reference" / "rules.md": "".join(_rules()),
        inference: with_block(inference.read_text("utf-8"), "backends", backends_table()),
        comparison: with_block(comparison.read_text("utf-8"), "classes", classes_table()),
        formats: with_block(formats.read_text("utf-8"), "manifests", manifests(formats.read_text("utf-8"))),
    }


def commands(program: str) -> dict[str, Any]:
    """The sub-commands of a program, by name; those of a group as `group command`."""
    group: Any = typer.main.get_command(PROGRAMS[program])
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= {f"{name} {below}": value for below, value in inner.items()} if inner else {name: command}
    return found


def with_block(text: str, name: str, block: str) -> str:
    """`text` with the part between the markers of `name` made anew."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    replaced, count = pattern.subn(lambda found: f"{found[1]}\n{block}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"not exactly one block {name}")
    return replaced


def _cli() -> Iterator[str]:
    yield f"# Commands\n\n{_NOTE}\n"
    yield "Two programs: `wheelwitness` is for those who install, `rebuilder` for those who rebuild.\n"
    yield "What `--help` prints, 80 columns wide:\n"
    for program in PROGRAMS:
        yield f"\n## {program}\n\n```text\n{help_of(program)}```\n"
        for command in commands(program):
            yield f"\n### {program} {command}\n\n```text\n{help_of(program, *command.split())}```\n"


def help_of(program: str, *command: str) -> str:
    """What `program command --help` prints on a terminal of 80 columns."""
    result = CliRunner().invoke(
        PROGRAMS[program], [*command, "--help"], prog_name=program, terminal_width=_WIDTH
    )
    if result.exit_code:
        raise RuntimeError(f"{program} {command}: --help ended with {result.exit_code}")
    return result.output


def _variables() -> Iterator[str]:
    yield f"# Environment variables\n\n{_NOTE}\n"
    yield "An option on the command line comes before its variable, and the variable before the default.\n"
    yield "A flag is set by `1`, `true`, `yes` or `on`. `WHEELWITNESS_BUNDLE` takes several files, separated by `:`;\n"
    yield "`WHEELWITNESS_FORMAT` and `WHEELWITNESS_KEY` take several values, separated by blanks.\n"
    yield "\n| variable | option or argument | commands |\n| --- | --- | --- |\n"
    for (variable, option), names in sorted(_options().items()):
        yield f"| `{variable}` | `{option}` | {', '.join(f'`{name}`' for name in names)} |\n"
    yield _OTHERS


def _options() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for program in PROGRAMS:
        for name, command in commands(program).items():
            for parameter in command.params:
                for variable in [parameter.envvar] if isinstance(parameter.envvar, str) else []:
                    option = max(parameter.opts, key=len) if parameter.opts else ""
                    shown = option if option.startswith("-") else parameter.metavar or option
                    found.setdefault((variable, shown), []).append(f"{program} {name}")
    return found


_LEVELS: Final = {
    "metadata": "The payload is identical. An installer puts the same files with the same bytes into the same places, but for "
    "files of `.dist-info` that differ as said here, and makes the same scripts.",
    "content": "Files of the payload differ as said here. Whoever compares installed bytes sees it.",
}


def _rules() -> Iterator[str]:
    yield f"# Rules of comparison\n\n{_NOTE}\n"
    yield "What may differ between a published and a rebuilt wheel that are called equal at the levels `metadata` and\n"
    yield "`content` ([how wheels are compared](../explanation/comparison.md)). Whatever is not in this list is a mismatch.\n"
    yield "\n## For every rule\n\n"
    yield "- The `RECORD` of either wheel is right about that wheel.\n"
    yield "- Both wheels have the member, and the exec bits are equal.\n"
    yield "- Every difference of the member is accounted for by rules, or the wheels differ.\n"
    yield f"- Every use is listed in the observation with both values, cut at {MAX_SHOWN} characters. A value that is a whole file is\n"
    yield "  told by its SHA-256.\n"
    yield f"- At most {MAX_JUDGED} members differ, and the list of uses takes at most {MAX_USES // 1024} KiB.\n"
    yield "- Never equated: files of the type `.pth`, scripts and headers in `.data`, exec bits, names, members that only one\n"
    yield "  wheel has, names of more than 300 characters.\n"
    for level, meaning in _LEVELS.items():
        yield f"\n## Level {level}\n\n{meaning}\n"
        yield from (_rule(rule) for rule in RULES if rule.level == level)


def _rule(rule: Rule) -> str:
    return (
        f"\n### {rule.id}\n\n"
        f"Members\n: {rule.members}\n\n"
        f"Equates\n: {rule.equates}\n\n"
        f"Refuses\n: {rule.refuses}\n\n"
        f"Why no installer can tell\n: {rule.why}\n"
    )


_OTHERS: Final = """
`rebuilder run` takes its cache, contact, jobs and time limit from `node.toml`, not from variables. Where `rebuilder init`
has such an option, its variable takes effect when that file is written.

## Others that are read

| variable | effect |
| --- | --- |
| `WHEELWITNESS_DEBUG` | `1`: a mistake in the program itself is shown with its traceback |
| `UV_DEFAULT_INDEX`, `UV_INDEX_URL`, `PIP_INDEX_URL` | the package index, in this order, where `WHEELWITNESS_INDEX` and `--index` are not given |
| `PIP_CONFIG_FILE` | a pip.conf that is looked at before the usual ones |
| `UV_PYTHON_INSTALL_DIR`, `PYENV_ROOT` | where uv and pyenv keep their interpreters, which are found besides those on `PATH` |
| `XDG_CACHE_HOME`, `XDG_CONFIG_HOME`, `XDG_DATA_HOME` | the base directories of the cache, of the policy and settings, and of uv's interpreters |
| `NO_COLOR` | progress bars without colour |

What a build sees is another matter: nothing of this environment reaches it. Its variables are those of the recipe.
"""


def backends_table() -> str:
    """The rows of rebuilders/plan/backends.py."""
    head = "| `Generator` in `WHEEL` | pinned | further limit | time without `SOURCE_DATE_EPOCH` | modes | asked for more |"
    rows = [head, "| --- | --- | --- | --- | --- | --- |", *map(_backend, BACKENDS)]
    return "\n".join(rows) + "\n"


def _backend(row: Backend) -> str:
    if row.constant_time is not None:
        times = "always {:04d}-{:02d}-{:02d} {:02d}:{:02d}:{:02d}".format(*row.constant_time)
    elif row.keeps_times:
        times = "of the source file, " + ("in local time" if row.local_times else "in UTC")
    else:
        times = "not used"
    asks = "always" if row.asks is None else " or ".join(f"`{word}`" for word in row.asks) or "never at first"
    cells = (
        f"`{row.generator}`",
        " or ".join(f"`{pin}`" for pin in row.pins)
        + (f" (implied by `{'`, `'.join(row.implied_by)}`)" if row.implied_by else ""),
        ", ".join(f"`{limit}`" for limit in row.limits) or "none",
        times,
        "of the source file, or by the umask" if row.keeps_modes else "not used",
        asks,
    )
    return "| " + " | ".join(cells) + " |"


def classes_table() -> str:
    """The rows of witness/differences/classes.py, one for each class, by weight."""
    lines = ["| class | weight | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{row.id}` | {SEVERITIES[row.severity].lower()} | {row.means} |" for row in rows()]
    return "\n".join(lines) + "\n"


def example(text: str) -> dict[str, tuple[bool, bytes]]:
    """The files of the worked example in the text of formats.md: whether executable, and the content."""
    block = text.split("```python\nFILES = ", 1)[1].split("```", 1)[0]
    value: dict[str, tuple[bool, bytes]] = ast.literal_eval(block)
    return value


def manifests(text: str) -> str:
    """The manifests of the worked example, with their digests."""
    files = example(text)
    inside = {path for path in files if path.startswith("demo-1.0.dist-info/")}
    listed = files.keys() - {"demo-1.0.dist-info/RECORD"}
    return "\n".join(
        (
            _manifest("payloadDigest", "wheelwitness-payload-v1", files, files.keys() - inside, modes=True),
            _manifest("distInfoDigest", "wheelwitness-dist-info-v1", files, inside, modes=True),
            _manifest("recordDigest", "wheelwitness-record-v1", files, listed, modes=False),
        )
    )


def _manifest(
    key: str, title: str, files: dict[str, tuple[bool, bytes]], paths: Collection[str], *, modes: bool
) -> str:
    lines = [title]
    for path in sorted(paths, key=str.encode):
        executable, content = files[path]
        mode = ("x " if executable else "- ") if modes else ""
        lines.append(f"{mode}{len(content)} {sha256(content).hexdigest()} {path}")
    told = "".join(f"{line}\n" for line in lines)
    return f"```text\n{told}```\n\n`{key}` = `{sha256(told.encode()).hexdigest()}`\n"


def main() -> None:
    """Writes the pages."""
    for path, text in pages().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
