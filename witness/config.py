"""Where a consumer's policy is found: what he names, or the one of his user account. Never one of the project that
is being checked: whoever can change what is installed could then also change who judges it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from witness import policy
from witness.directories import Directories
from witness.errors import InputError
from witness.escape import printable
from witness.limits import MAX_POLICY
from witness.policy import Policy, TrustedWitness

ENVIRONMENT: Final = "WHEELWITNESS_POLICY"
_EXAMPLE: Final = """\
version = 1, threshold = 2, and for each witness [[witness]] with name, operator, url, log-key and keys"""


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy and the file that it came from, to which its local paths are relative."""

    policy: Policy
    path: Path

    def location(self, witness: TrustedWitness) -> str:
        """Where `witness` publishes: a web address, or a directory."""
        if urlsplit(witness.url).scheme in ("http", "https"):
            return witness.url
        return str(self.path.parent / Path(witness.url).expanduser())


def default_policy_path() -> Path:
    """The user's own policy file, whether or not it exists."""
    from platformdirs import user_config_path

    return user_config_path("wheelwitness", appauthor=False) / "policy.toml"


def load_policy(named: Path | None, now: datetime | None = None) -> LoadedPolicy:
    """The policy in the file `named`, or else in the user's own. `now`, if not of the clock, decides what has expired.

    Raises:
        InputError: there is none, or it is not a policy.
        Incomplete: it names a directory that was never fetched, or counts no more.
    """
    path = named or default_policy_path()
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_POLICY + 1)
    except FileNotFoundError:
        hint = f"Write one ({_EXAMPLE}), or name one with --policy or {ENVIRONMENT}."
        raise InputError(f"no policy: {shown} does not exist", hint=hint) from None
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}", hint="A policy is a TOML file.") from None
    if len(data) > MAX_POLICY:
        raise InputError(f"{shown}: larger than any policy", hint="Is this the right file?")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{shown}: not UTF-8", hint="Save the policy as UTF-8.") from None
    at = now or datetime.now(UTC)
    beside = Directories(path)
    return LoadedPolicy(policy.parse(text, name=shown, directory=lambda name: beside.read(name, at)), path)
