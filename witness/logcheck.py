"""`wheelwitness log`: finds whose log it is, re-verifies it, and holds it against what was seen of it before."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from witness import canonical
from witness.config import LoadedPolicy, default_state_path, load_policy
from witness.entry import Authority
from witness.errors import FetchFailed, Incomplete, InputError, Malformed, NotFound, Unverified
from witness.escape import printable
from witness.fetch import HttpFetcher
from witness.keychain import KeyChain
from witness.keyless.identity import KeylessIdentity
from witness.keyless.trust import authorities
from witness.keys import parse_key
from witness.limits import MAX_CHECKPOINT
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
    sigstore: KeylessIdentity | None = None


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


def check_named(named: Named, state: Path | None, *, shards: bool) -> LogReport:
    """Checks the log that `named` says.

    Raises:
        InputError: it names no log, or the policy or a key cannot be used.
        Incomplete: the checkpoint could not be had, or the state cannot be read or written.
        Unverified, Malformed: what is served as its checkpoint is not the log's.
    """
    identity, location, authority = _identify(named)
    fetcher = HttpFetcher()
    try:
        fetch = fetch_at(location, fetcher)
        own = (identity.cosigner_key,) if identity.cosigner_key else ()
        seen = SeenLog(state or default_state_path(), identity.log_key, own)
        return _check(identity, authority, fetch, seen, shards=shards)
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


def _check(
    identity: WitnessIdentity, authority: Authority | None, fetch: Fetch, seen: SeenLog, *, shards: bool
) -> LogReport:
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
        audited = audit(fetch, identity, signed, authority=authority, shards=shards)
        against += audited.faults
        if audited.faults_total > len(audited.faults):
            against.append(f"and {audited.faults_total - len(audited.faults)} more")
        for checkpoint in audited.checkpoints:
            seen.see(checkpoint)
        if identity.keys:
            against += _compare_about(fetch, audited.chain)
    except (Incomplete, Malformed, Unverified) as error:
        left_open.append(str(error))
    _compare(seen, fetch, left_open)
    seen.save()
    against = [*dict.fromkeys(item.text for item in seen.convictions), *against]
    return LogReport(_summary(identity, tree, audited), tuple(against), tuple(left_open))


def _compare_about(fetch: Fetch, chain: KeyChain) -> list[str]:
    """Whether `node.json` names another key than the log: whoever may write the site's files need not have the log."""
    try:
        told = canonical.loads(fetch("node.json"), what="node.json", limit=MAX_CHECKPOINT)
        current = told["keys"][-1]
    except NotFound:
        return []  # a mirror has none
    except (Malformed, KeyError, IndexError, TypeError) as error:
        return [f"node.json: does not say the node's keys: {printable(str(error))}"]
    speaking = [span.key.text for span in chain.spans if span.end is None and span.revoked is None]
    if current in speaking:
        return []
    return [f"node.json: the key {printable(str(current), limit=100)} is not the one that the log leads to"]


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
    shut = audited.commitments - audited.opened if audited.bundles else 0
    kept = f"; {shut} of {audited.commitments} commitments not opened" if shut else ""
    return f"{name}: {audited.size} entries about {audited.artifacts} files{rest}, verified{kept}"


def _identify(named: Named) -> tuple[WitnessIdentity, str, Authority | None]:
    """The witness, where its log is, and who may sign for it if it is not its keys."""
    if named.log_key is None:
        return _of_policy(named.target, load_policy(named.policy))
    if bool(named.keys) == bool(named.sigstore) or not named.name:
        raise InputError(
            "--log-key alone does not say who signs the entries",
            hint="Add --name, and either --key or --sigstore.",
        )
    log_key = _key(VerifierKey.parse, named.log_key, "--log-key")
    keys = tuple(_key(parse_key, text, "--key") for text in named.keys)
    identity = WitnessIdentity(named.name, named.name, log_key, keys, sigstore=named.sigstore)
    return identity, named.target, authorities([(named.name, named.sigstore)], Path()).get(named.name)


def _of_policy(target: str, loaded: LoadedPolicy) -> tuple[WitnessIdentity, str, Authority | None]:
    for witness in loaded.policy.witnesses:
        if target in (witness.name, witness.url) or target.rstrip("/") == witness.url.rstrip("/"):
            keyless = authorities([(witness.name, witness.identity.sigstore)], loaded.path.parent)
            return witness.identity, loaded.location(witness), keyless.get(witness.name)
    shown = printable(target)
    raise InputError(
        f"{shown}: not a witness of {printable(str(loaded.path))}",
        hint="Or give --log-key, --name, and --key or --sigstore.",
    )


def _key(parse: Callable[[str], K], text: str, option: str) -> K:
    try:
        return parse(text)
    except Malformed as error:
        raise InputError(f"{option}: {error}", hint="Copy the whole key from the witness.") from None


def _text(signed: bytes) -> str:
    return signed.decode().rpartition("\n\n")[0] + "\n"
