"""Makes the files below tests/fixtures/locks with the tools that people use: `python tools/lock_fixtures.py`.

Each tool runs through `uv tool run`, in the version named here, on the same small set of packages, which it resolves
with the index that this machine is set up to use. The host of the index is then replaced by `index.example`, that of
its files by `files.example`, any other by `other.example`, and the directory of the run by `/project`; nothing else
is changed.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from witness.endpoint import default_endpoint

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "locks"
UV = str(Path(sys.executable).parent / "uv")
LOCAL = """\
[project]
name = "local-thing"
version = "1.0"
[build-system]
requires = ["flit-core<4,>=3.11"]
build-backend = "flit_core.buildapi"
"""
PROJECT = """\
[project]
name = "fixture"
version = "0"
requires-python = ">=3.11"
dependencies = ["six==1.17.0", "markupsafe==3.0.2", "colorama==0.4.6; sys_platform == 'win32'"{more}]
[project.optional-dependencies]
extra = ["attrs==25.3.0"]
"""
UV_SOURCES = '[tool.uv.sources]\nlocal-thing = { path = "local-thing", editable = true }\n'
POETRY = """\
[tool.poetry]
package-mode = false
[[tool.poetry.source]]
name = "mirror"
url = "{index}"
priority = "primary"
"""
POETRY_1 = """\
[tool.poetry]
name = "fixture"
version = "0"
description = ""
authors = []
[tool.poetry.dependencies]
python = ">=3.11"
six = "1.17.0"
markupsafe = "3.0.2"
colorama = { version = "0.4.6", markers = "sys_platform == 'win32'" }
attrs = { version = "25.3.0", optional = true }
[tool.poetry.extras]
extra = ["attrs"]
[[tool.poetry.source]]
name = "mirror"
url = "{index}"
priority = "primary"
"""
PIPFILE = """\
[packages]
six = "==1.17.0"
markupsafe = "==3.0.2"
colorama = {version = "==0.4.6", markers = "sys_platform == 'win32'"}
[dev-packages]
attrs = "==25.3.0"
"""
REQUIREMENTS = """\
six==1.17.0
markupsafe==3.0.2
colorama==0.4.6; sys_platform == "win32"
attrs==25.3.0
"""
ON_PDM = ("--with", "unearth==0.17.5", "--with", "hishel==0.1.2")
_HOSTS = (
    (re.compile(r"https?://[^/\s\"']+/simple\b"), "https://index.example/simple"),
    (re.compile(r"https?://[^/\s\"']+/packages/"), "https://files.example/packages/"),
    (re.compile(r"https?://(?![^/\s\"']+\.example\b)[^/\s\"']+"), "https://other.example"),
)


@dataclass(frozen=True)
class Case:
    """A file to make: `command` runs in a directory with `files`, and leaves `made` there, or prints it."""

    name: str
    files: dict[str, str]
    command: tuple[str, ...]
    made: str = ""


def tool(requirement: str, program: str, *arguments: str, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    return (UV, "tool", "run", "--python", "3.11", "--from", requirement, *more, program, *arguments)


def cases(index: str) -> Iterator[Case]:
    local = {"local-thing/pyproject.toml": LOCAL, "local-thing/local_thing/__init__.py": '"""local"""\n'}
    ours = PROJECT.replace("{more}", ', "local-thing"') + UV_SOURCES
    project = {"pyproject.toml": ours, **local}
    export = (UV, "export", "--quiet", "--all-extras", "--format")
    yield Case("uv.lock", project, (UV, "lock", "--quiet"), "uv.lock")
    yield Case("pylock.uv.toml", project, (*export, "pylock.toml"))
    yield Case("requirements.uv.txt", project, (*export, "requirements.txt"))
    preview = ("--preview-features", "sbom-export")
    yield Case("uv.cdx.json", project, (*export, "cyclonedx1.5", *preview))
    yield Case(
        "pylock.pip.toml",
        {"in.txt": REQUIREMENTS},
        tool("pip==26.3", "pip", "lock", "-r", "in.txt", "-o", "pylock.toml"),
        "pylock.toml",
    )
    two = PROJECT.replace("{more}", "") + POETRY.replace("{index}", index)
    yield Case(
        "poetry-2.lock", {"pyproject.toml": two}, tool("poetry==2.5.1", "poetry", "lock", "-n"), "poetry.lock"
    )
    one = POETRY_1.replace("{index}", index)
    yield Case(
        "poetry-1.lock", {"pyproject.toml": one}, tool("poetry==1.8.5", "poetry", "lock", "-n"), "poetry.lock"
    )
    path = ', "local-thing @ file:///${PROJECT_ROOT}/local-thing"'
    pdm = {"pyproject.toml": PROJECT.replace("{more}", path) + "[tool.pdm]\ndistribution = false\n", **local}
    lock = ("lock", "-G", ":all")
    yield Case("pdm.lock", pdm, tool("pdm==2.24.2", "pdm", *lock, more=ON_PDM), "pdm.lock")
    static = (*lock, "-S", "static_urls")
    yield Case("pdm.static.lock", pdm, tool("pdm==2.24.2", "pdm", *static, more=ON_PDM), "pdm.lock")
    yield Case(
        "Pipfile.lock", {"Pipfile": PIPFILE}, tool("pipenv==2026.10.3", "pipenv", "lock"), "Pipfile.lock"
    )
    hashed = (OUT / "requirements.uv.txt").read_text("utf-8").replace("-e ./local-thing\n", "")
    for version in ("1.4", "1.6"):
        arguments = ("requirements", "--sv", version, "--of", "JSON", "--output-reproducible", "in.txt")
        command = tool("cyclonedx-bom==7.5.0", "cyclonedx-py", *arguments)
        yield Case(f"cyclonedx-{version}.json", {"in.txt": hashed}, command)
    yield from spdx_cases()


def spdx_cases() -> Iterator[Case]:
    """Of the files above, those that were made already. pixi-sbom names what it describes after the directory."""
    for name, lock in (("uv", "uv.lock"), ("poetry", "poetry-2.lock")):
        inside = f"fixture/{lock.replace('-2', '')}"
        sbom = ("--lockfile", inside, "--format", "spdx", "--platform", "linux-64", "--quiet")
        yield Case(
            f"spdx-{name}.json",
            {inside: (OUT / lock).read_text("utf-8")},
            tool("pixi-sbom==1.15.0", "pixi-sbom", *sbom),
            "fixture/sbom.spdx.json",
        )
    again = tool("spdx-tools==0.8.5", "pyspdxtools", "-i", "in.spdx.json", "-o", "out.spdx.json")
    made = {"in.spdx.json": (OUT / "spdx-uv.json").read_text("utf-8")}
    yield Case("spdx-tools.json", made, again, "out.spdx.json")


def make(case: Case) -> str:
    """The text of the file, as the tool wrote it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in case.files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        settings = {
            "PIP_CONFIG_FILE": "/dev/null",
            "WORKON_HOME": f"{folder}/.venvs",
            "POETRY_VIRTUALENVS_CREATE": "0",
        }
        result = subprocess.run(
            [
                "env",
                "-u",
                "PIP_FIND_LINKS",
                "-u",
                "VIRTUAL_ENV",
                *(f"{key}={value}" for key, value in settings.items()),
                *case.command,
            ],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=500,
        )
        text = (Path(folder) / case.made).read_text("utf-8") if case.made else result.stdout
        return text.replace(folder, "/project")


def main() -> None:
    index = default_endpoint()
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:])
    for case in cases(index):
        if wanted and case.name not in wanted:
            continue
        text = make(case)
        for host, placeholder in _HOSTS:
            text = host.sub(placeholder, text)
        (OUT / case.name).write_text(text, "utf-8")
        print(f"{case.name}: {shutil.which(case.command[0])} {' '.join(case.command[1:])}")


if __name__ == "__main__":
    main()
