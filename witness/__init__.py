"""What was claimed about a wheel, and whom to believe: formats, comparison, log, policy and verdict.

The names in `__all__` are the library (docs/reference/library.md); their types are in `__init__.pyi`. Each is loaded
when it is first asked for, so that `import witness` costs nothing. All else may change in any release.
"""

from importlib import import_module
from typing import Any, Final

__version__ = "0.1.0"

_WHERE: Final = {
    "check": "witness.library",
    "judge": "witness.library",
    "load_policy": "witness.library",
    "verify": "witness.library",
    "Artifact": "witness.evidence",
    "Level": "witness.observation",
    "LoadedPolicy": "witness.config",
    "Outcome": "witness.verdict",
    "Policy": "witness.policy",
    "Rejection": "witness.evidence",
    "Report": "witness.report.model",
    "Row": "witness.report.model",
    "Silence": "witness.evidence",
    "Verdict": "witness.verdict",
    "Voice": "witness.vote",
    "FetchFailed": "witness.errors",
    "Incomplete": "witness.errors",
    "InputError": "witness.errors",
    "Malformed": "witness.errors",
    "NotFound": "witness.errors",
    "Unverified": "witness.errors",
    "WheelwitnessError": "witness.errors",
}
__all__ = ["__version__", *_WHERE]  # noqa: PLE0604 - the names are in the table


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
