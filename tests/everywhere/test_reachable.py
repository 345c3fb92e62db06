"""What the consumer's program can come to load needs nothing that only some systems have, and starts with little."""

import ast
import subprocess
import sys

import pytest

from tests.everywhere.reachable import CHECKOUT, PROGRAM, reachable
from tests.everywhere.systems import SYSTEMS, UNIX_MODULES

HEAVY = (
    "cryptography httpx packaging platformdirs pydantic rfc8785 rich sigstore tenacity tomllib ssl asyncio"
)
MODULES = reachable()
# The one module that asks where it runs, and does so before each name.
ASKS = "witness.files"


def missing_names():
    """For each module of Python's library, the names that some system has not."""
    found: dict[str, set[str]] = {}
    for system in SYSTEMS.values():
        for module, names in system.names.items():
            found.setdefault(module, set()).update(names)
    return found


def used(tree):
    """Imports of modules that only some systems have, and uses of such names, in the order of the lines."""
    missing = missing_names()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNIX_MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in UNIX_MODULES:
                yield node.module
            yield from (
                f"{node.module}.{alias.name}"
                for alias in node.names
                if alias.name in missing.get(node.module, ())
            )
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield from {f"{node.value.id}.{node.attr}"} if node.attr in missing.get(node.value.id, ()) else ()


def test_the_program_is_followed_into_functions():
    assert {
        PROGRAM,
        "witness.gate",
        "witness.log.audit",
        "witness.pins.requirements",
        "witness.wheel.reader",
    } <= set(MODULES)
    assert not [module for module in MODULES if module.startswith("rebuilders")]


@pytest.mark.parametrize("module", sorted(set(MODULES) - {ASKS}))
def test_nothing_that_only_some_systems_have(module):
    assert list(used(MODULES[module])) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    import fcntl", ["fcntl"]),
        ("from pwd import getpwnam", ["pwd"]),
        ("import os\nos.open(p, os.O_RDONLY | os.O_DIRECTORY)", ["os.O_DIRECTORY"]),
        ("from signal import SIGHUP", ["signal.SIGHUP"]),
        ("import os\nos.replace(a, b)", []),
    ],
)
def test_what_would_be_found(source, expected):
    assert list(used(ast.parse(source))) == expected


def loaded(*arguments):
    """What is in `sys.modules` after the program ran with `arguments`."""
    code = (
        "import sys\n"
        f"sys.argv = ['wheelwitness', *{list(arguments)!r}]\n"
        "from witness.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert "wheelwitness" in done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["check", "--help"], {"pydantic"}),  # which typer takes to read options
        (["log", "check", "--help"], {"pydantic"}),
    ],
)
def test_the_program_answers_without_loading_what_is_slow(arguments, needed):
    assert loaded(*arguments) & set(HEAVY.split()) <= needed
