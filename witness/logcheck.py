"""`wheelwitness log`: finds whose log it is, re-verifies it, and holds it against what was seen of it before."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from witness.config import LoadedPolicy, load_policy
from witness.errors import FetchFailed, Incomplete, InputError, Malformed, Unverified
from witness.escape import printable
from witness.fetch import HttpFetcher
from witness.keys import PublicKey
from witness.log.audit import Audit, audit
from witness.log.location import fetch_at
from witness.log.seen import SeenLog
from witness.note import VerifierKey
from witness.tlog import contradiction
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.contradiction import MAX_CONTRADICTION, Contradiction
from witness.tlog.tiles import Fetch
from witness.verification import WitnessIdentity

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Named:
    """The log that a user names: a witness of a policy, or an address with its keys."""

    target: str
    policy: Path | None
    log_key: str | None
    keys: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class LogReport:
    """What came out: evidence against the log, and what stayed open, a line for each."""

    summary: str
    against: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """As `wheelwitness check` has it: evidence first, then what could not be completed."""
        return 1 if self.against else 5 if self.open else 0


def default_state_path() -> Path:
    """Where a user's memory of logs is."""
    from platformdirs import user_state_path

    return user_state_path("wheelwitness", appauthor=False)


def check_named(named: Named, state: Path | None, *, shards: bool) -> LogReport:
    """Checks the log that `named` says.

    Raises:
        InputError: it names no log, or the policy or a key cannot be used.
        Incomplete: the checkpoint could not be had, or the state cannot be read or written.
        Unverified, Malformed: what is served as its checkpoint is not the log's.
    """
    identity, location = _identify(named)
    fetcher = HttpFetcher()
    try:
        fetch = fetch_at(location, fetcher)
        own = (identity.cosigner_key,) if identity.cosigner_key else ()
        seen = SeenLog(state or default_state_path(), identity.log_key, own)
        return _check(identity, fetch, seen, shards=shards)
    finally:
        fetcher.close()


def read_evidence(path: Path, log_key: str | None) -> Contradiction:
    """The evidence in the file at `path`, still to be proven.

    Raises:
        InputError: it cannot be read, or the key is none.
        Malformed: it is no evidence.
        Unverified: it is against another key than `log_key`.
    """
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONTRADICTION + 1)
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}") from None
    found = contradiction.parse(data)
    if log_key is not None and _key(VerifierKey.parse, log_key, "--log-key") != found.log_key:
        raise Unverified(f"{shown}: against another key, {printable(found.log_key.text)}")
    return found


def keep_evidence(found: Contradiction, state: Path | None) -> str:
    """Remembers evidence that somebody else found, so that its log stays convicted here too. Where it is now.

    Raises:
        Unverified: it does not hold.
        Incomplete: it cannot be written.
    """
    caught = SeenLog(state or default_state_path(), found.log_key).convict(found)
    if caught.path is None:
        raise Incomplete("the evidence cannot be kept", hint="Give a --state that can be written.")
    return caught.path


def _check(identity: WitnessIdentity, fetch: Fetch, seen: SeenLog, *, shards: bool) -> LogReport:
    signed = fetch("checkpoint")
    tree = open_checkpoint(signed, identity.log_key).checkpoint
    before = seen.newest
    against: list[str] = []
    left_open: list[str] = []
    seen.see(signed)
    seen.save()
    if before is not None and (known := Checkpoint.parse(_text(before)).size) > tree.size:
        left_open.append(f"an old state is served: {tree.size} entries, and {known} were seen before")
    audited: Audit | None = None
    try:
        audited = audit(fetch, identity, signed, shards=shards)
        against += audited.faults
        if audited.faults_total > len(audited.faults):
            against.append(f"and {audited.faults_total - len(audited.faults)} more")
        for checkpoint in audited.checkpoints:
            seen.see(checkpoint)
    except (Incomplete, Malformed, Unverified) as error:
        left_open.append(str(error))
    _compare(seen, fetch, left_open)
    seen.save()
    against = [*dict.fromkeys(item.text for item in seen.convictions), *against]
    return LogReport(_summary(identity, tree, audited), tuple(against), tuple(left_open))


def _compare(seen: SeenLog, fetch: Fetch, left_open: list[str]) -> None:
    try:
        seen.compare(fetch)
    except (FetchFailed, Malformed, Unverified) as error:
        left_open.append(f"cannot be held against what was seen before: {error}")


def _summary(identity: WitnessIdentity, tree: Checkpoint, audited: Audit | None) -> str:
    name = printable(identity.log_key.name)
    if audited is None:
        return f"{name}: {tree.size} entries are promised, and could not all be verified"
    rest = f", {audited.bundles} bundles" if audited.bundles else ""
    rest += f", {audited.lookups} lookup files" if audited.lookups else ""
    return f"{name}: {audited.size} entries about {audited.artifacts} files{rest}, verified"


def _identify(named: Named) -> tuple[WitnessIdentity, str]:
    if named.log_key is None:
        return _of_policy(named.target, load_policy(named.policy))
    if not named.keys or not named.name:
        raise InputError("--log-key alone does not say who signs the entries", hint="Add --key and --name.")
    log_key = _key(VerifierKey.parse, named.log_key, "--log-key")
    keys = tuple(_key(PublicKey.parse, text, "--key") for text in named.keys)
    return WitnessIdentity(named.name, named.name, log_key, keys), named.target


def _of_policy(target: str, loaded: LoadedPolicy) -> tuple[WitnessIdentity, str]:
    for witness in loaded.policy.witnesses:
        if target in (witness.name, witness.url) or target.rstrip("/") == witness.url.rstrip("/"):
            return witness.identity, loaded.location(witness)
    shown = printable(target)
    raise InputError(
        f"{shown}: not a witness of {printable(str(loaded.path))}",
        hint="Or give --log-key, --key and --name.",
    )


def _key(parse: Callable[[str], K], text: str, option: str) -> K:
    try:
        return parse(text)
    except Malformed as error:
        raise InputError(f"{option}: {error}", hint="Copy the whole key from the witness.") from None


def _text(signed: bytes) -> str:
    return signed.decode().rpartition("\n\n")[0] + "\n"
