"""The literal arguments of the `setup()` call in a setup.py, read as a syntax tree. Nothing of it is run.

What is computed is absent from the result, never guessed. A module-level name that is assigned one literal, once,
stands for it.
"""

import ast
import warnings
from collections import Counter
from typing import Any, Final

_MAX_TEXT: Final = 256 * 1024  # characters; hostile nesting ends in the parser's own limits


def setup_arguments(text: str) -> dict[str, Any]:
    """The keyword arguments of the only `setup()` call that are literals; empty if there is no such call."""
    tree = _parsed(text)
    if tree is None:
        return {}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "setup"]
    if len(calls) != 1:
        return {}
    names = _literal_names(tree)
    found = {word.arg: _value(word.value, names) for word in calls[0].keywords if word.arg}
    for word in calls[0].keywords:
        more = None if word.arg else _value(word.value, names)  # **arguments
        found.update(more if isinstance(more, dict) else {})
    return {str(name): value for name, value in found.items() if value is not None}


def _parsed(text: str) -> ast.Module | None:
    if len(text) > _MAX_TEXT:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a stranger's escape sequences
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _literal_names(tree: ast.Module) -> dict[str, ast.expr]:
    """Names that are bound once in the whole file, by an assignment at its top."""
    bound = Counter(
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    )
    assigned = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }
    return {name: value for name, value in assigned.items() if bound[name] == 1}


def _value(node: ast.expr, names: dict[str, ast.expr]) -> Any:
    node = names.get(node.id, node) if isinstance(node, ast.Name) else node
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
