"""Where a consumer's policy is found: what he names, or the one of his user account. Never one of the project that
is being checked: whoever can change what is installed could then also change who judges it. Where the user says so, the
project may ask for more (witness.tightening). And where his memory of logs is.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from witness import policy
from witness.digest import sha256_hex
from witness.directories import PLACE, Directories
from witness.directory import TARGET, Directory
from witness.errors import InputError
from witness.escape import printable
from witness.policy import Policy, TrustedWitness
from witness.policyfile import read_file
from witness.tightening import OWN_FILE, PYPROJECT, table_in, tightened

ENVIRONMENT: Final = "WHEELWITNESS_POLICY"


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy and the file that it came from, to which its local paths are relative.

    `files` are the names and SHA-256 of what made it: that file, and that of a project that asked for more.
    """

    policy: Policy
    path: Path
    files: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """Stands for the texts that made it, and for its place: what was decided by another one counts for nothing."""
        place = str(self.path.parent.resolve())
        return sha256_hex(repr((place, self.files)).encode("utf-8", "surrogateescape"))

    def location(self, witness: TrustedWitness) -> str:
        """Where `witness` publishes: a web address, or a directory."""
        if urlsplit(witness.url).scheme in ("http", "https"):
            return witness.url
        return str(self.path.parent / Path(witness.url).expanduser())


def default_policy_path() -> Path:
    """The user's own policy file, whether or not it exists."""
    from platformdirs import user_config_path

    return user_config_path("wheelwitness", appauthor=False) / "policy.toml"


def default_state_path() -> Path:
    """Where a user's memory of logs is."""
    from platformdirs import user_state_path

    return user_state_path("wheelwitness", appauthor=False)


def load_policy(named: Path | None, now: datetime | None = None) -> LoadedPolicy:
    """The policy in the file `named`, or else in the user's own. `now`, if not of the clock, decides what has expired.

    Raises:
        InputError: there is none, or it is not a policy.
        Incomplete: it names a directory that was never fetched, or counts no more.
    """
    path = named or default_policy_path()
    shown = printable(str(path))
    try:
        text, digest = read_file(path)
    except FileNotFoundError:
        hint = f"Begin one with `wheelwitness policy init`, or name one with --policy or {ENVIRONMENT}."
        raise InputError(f"no policy: {shown} does not exist", hint=hint) from None
    at, beside = now or datetime.now(UTC), Directories(path)
    files = {path.name: digest}

    def read(name: str) -> Directory:
        found = beside.read(name, at)
        files[f"{PLACE}/{name}/{TARGET}"] = found.sha256
        return found

    loaded = LoadedPolicy(policy.parse(text, name=shown, directory=read), path, tuple(files.items()))
    _check_homes(loaded, shown)
    return loaded


def with_project(loaded: LoadedPolicy, named: Path | None, directory: Path) -> LoadedPolicy:
    """`loaded` with what a project asks for besides: that of the file `named`, or, if the policy has `project-policy`,
    that of `wheelwitness.toml` or `pyproject.toml` in `directory`, if there is one.

    Raises:
        InputError: the file cannot be read, asks for nothing, or for less; or there are two.
    """
    if named is not None:
        found = _project(named)
        if found is None:
            raise InputError(f"{printable(str(named))}: has no table [tool.wheelwitness]")
        return _tightened(loaded, named, *found)
    if not loaded.policy.project_policy:
        return loaded
    paths = [directory / name for name in (OWN_FILE, PYPROJECT)]
    present = [(path, found) for path in paths if path.is_file() and (found := _project(path)) is not None]
    if len(present) > 1:
        hint = f"Keep {OWN_FILE}, or the table in {PYPROJECT}."
        raise InputError(f"{printable(str(directory))}: has two policies of the project", hint=hint)
    return _tightened(loaded, present[0][0], *present[0][1]) if present else loaded


def _project(path: Path) -> tuple[dict[str, Any], str] | None:
    try:
        text, digest = read_file(path)
    except FileNotFoundError:
        raise InputError(f"{printable(str(path))}: no such file") from None
    asked = table_in(text, name=printable(str(path)), pyproject=path.name == PYPROJECT)
    return None if asked is None else (asked, digest)


def _tightened(loaded: LoadedPolicy, path: Path, asked: dict[str, Any], digest: str) -> LoadedPolicy:
    tighter = tightened(loaded.policy, asked, name=printable(str(path)))
    return replace(loaded, policy=tighter, files=(*loaded.files, (path.name, digest)))


def _check_homes(loaded: LoadedPolicy, shown: str) -> None:
    """Raises `InputError` for a local path that begins with a home directory that there is not."""
    for item in loaded.policy.everyone:
        try:
            Path(item.url).expanduser()
        except RuntimeError:
            hint = "Write the whole path."
            raise InputError(f"{shown}: {printable(item.url)}: no such home directory", hint=hint) from None
