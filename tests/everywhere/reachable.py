"""Which of our modules the consumer's program can come to load: at the start, or by an import inside a function."""

import ast
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PROGRAM = "witness.cli.main"


def file_of(module: str) -> Path | None:
    """Its source, if it is a module of ours."""
    path = CHECKOUT.joinpath(*module.split("."))
    for found in (path.with_suffix(".py"), path / "__init__.py"):
        if found.is_file():
            return found
    return None


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that may be meant by an import statement anywhere in `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reachable(start: str = PROGRAM) -> dict[str, ast.Module]:
    """Our modules that `start` leads to, parsed, by their names, packages included."""
    found: dict[str, ast.Module] = {}
    left = [start]
    while left:
        module = left.pop()
        path = file_of(module)
        if module in found or path is None:
            continue
        found[module] = ast.parse(path.read_text(encoding="utf-8"))
        left += imported(found[module])
        left += [module.rpartition(".")[0]] if "." in module else []
    return found
