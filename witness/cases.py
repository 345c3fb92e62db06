"""Tests of a policy: recorded bundles, and the verdict that the policy should come to. A TOML file, read strictly.

```toml
version = 1

[[case]]
name = "two operators agree"
bundles = ["evidence.jsonl"]          # relative to this file
sha256 = "…"
filename = "demo-1.0-py3-none-any.whl"  # may be left out, as may project and release
at = 2026-06-01T00:00:00Z             # when it is judged; now, if it is left out
expect = "reproduced"
level = "bitwise"                     # may be left out
```
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from witness.client import Client
from witness.config import LoadedPolicy
from witness.errors import InputError
from witness.escape import printable
from witness.evidence import Artifact
from witness.keyless.trust import authorities
from witness.limits import MIB
from witness.observation import Level, Sha256, Short
from witness.outcome import Outcome
from witness.sources.bundle import BundleSource, read_bundles
from witness.verdict import Verdict

_MAX_FILE: Final = 4 * MIB


class Case(BaseModel):
    """One case, as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Short
    bundles: Annotated[list[Short], Field(min_length=1)]
    sha256: Sha256
    expect: Outcome
    level: Level | None = None
    filename: Short | None = None
    project: Short | None = None
    release: Short | None = None
    at: datetime | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Literal[1]
    case: Annotated[list[Case], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Tried:
    """A case, and what the policy makes of it."""

    case: Case
    verdict: Verdict

    @property
    def problem(self) -> str:
        """How it differs from what is expected; nothing if it does not."""
        case, verdict = self.case, self.verdict
        if verdict.outcome != case.expect:
            return f"{verdict.outcome} instead of {case.expect}: {printable(verdict.reason)}"
        if case.level is not None and verdict.level != case.level:
            return f"level {verdict.level} instead of {case.level}"
        return ""


def read_cases(path: Path) -> Sequence[Case]:
    """The cases in the file at `path`. Raises InputError: it cannot be read, or is not of this form."""
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
        if len(data) > _MAX_FILE:
            raise InputError(f"{shown}: larger than any file of cases")
        found = _File.model_validate(tomllib.loads(data.decode("utf-8")))
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}") from None
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = printable(".".join(map(str, detail["loc"])))
        raise InputError(f"{shown}: {where}: {detail['msg']}", hint="See docs/reference/policy.md.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown}: not valid TOML: {printable(str(error))}") from None
    return found.case


def try_case(case: Case, directory: Path, loaded: LoadedPolicy, now: datetime) -> Tried:
    """What the policy makes of `case`, whose bundles are in `directory`. No network, and no memory of logs.

    Raises:
        InputError: a file of bundles, or of trust in a Sigstore instance, cannot be used.
    """
    index = read_bundles([directory / name for name in case.bundles])
    policy = loaded.policy
    sources = {item.name: BundleSource(index, item.identity.log_key.name) for item in policy.witnesses}
    project = None if case.project is None else str(canonicalize_name(case.project))
    artifact = Artifact(case.sha256, case.filename, project, case.release)
    at = now if case.at is None else case.at if case.at.tzinfo else case.at.replace(tzinfo=UTC)
    named = ((item.name, item.identity.sigstore) for item in policy.witnesses)
    client = Client(policy, sources, authorities=authorities(named, loaded.path.parent))
    (verdict,) = client.judge([artifact], at)
    return Tried(case, verdict)
