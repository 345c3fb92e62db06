"""Policy text in, a frozen `Policy` out.

Fails closed: an unknown key, a value of another type, a threshold that is zero or that nobody could meet, or a
key that does not parse is an `InputError` that names the file and the place in it. Nothing is guessed and nothing
is fetched.
"""

import re
import tomllib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from packaging.utils import canonicalize_name

from witness.directory import Directory, Member
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.keyless.identity import KeylessIdentity
from witness.keys import EcdsaKey, parse_key
from witness.limits import MAX_POLICY
from witness.note import VerifierKey
from witness.ossrebuild.rebuild import GOOGLE, REBUILD_LEVELS, RebuildService
from witness.outcome import FAILURES
from witness.policy.checks import check_quorum, check_reachable, check_witnesses
from witness.policy.values import (
    ACCEPTABLE,
    DEFAULT_MAX_AGE_DAYS,
    DEFAULT_MAX_SNAPSHOT_DAYS,
    LOOKUPS,
    PLACES,
    Exemption,
    Policy,
    TrustedService,
    TrustedWitness,
)
from witness.spread import Traits
from witness.table import Table
from witness.tlog import quorum
from witness.tlog.cosignature import CosignerKey
from witness.tlog.quorum import QuorumPolicy
from witness.verification import WitnessIdentity

K = TypeVar("K")

DEFAULT_ACCEPT: Final = ("bitwise", "archive")
_VKEY: Final = "name+hash+key"
_INDEX: Final = re.compile(r"https?://[a-zA-Z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?", re.ASCII)
_KEYS: Final = "ed25519:… or ecdsa-p256:…"


def _no_directory(name: str) -> Directory:
    raise InputError(f"directory {name!r}: none can be read here", hint="Name the witness's keys instead.")


def parse(text: str, *, name: str, directory: Callable[[str], Directory] = _no_directory) -> Policy:
    """The policy in `text`. `name` is its file, for messages; `directory` reads a directory by its name.

    Raises:
        InputError: it is not a policy, or one that nothing could satisfy.
        WheelwitnessError: what `directory` raises.
    """
    if len(text) > MAX_POLICY:
        raise InputError(f"{name}: larger than any policy", hint="Is this the right file?")
    try:
        value = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name}: not valid TOML: {error}", hint="Mend the line it names.") from None
    top = Table(name, "", value)
    if top.integer("version", least=1) != 1:
        top.refuse("version", "this program reads version 1 only", hint="Upgrade wheelwitness.")
    nodes, services = _everyone(top)
    named = [_Named(table, directory) for table in nodes]
    policy = Policy(
        threshold=top.integer("threshold", least=1),
        veto=top.integer("veto", least=1, default=1),
        cosigners=top.integer("cosigners", least=0, default=0),
        max_age_days=top.integer("max-age-days", least=1, default=DEFAULT_MAX_AGE_DAYS),
        accept=_accept(top),
        witnesses=tuple(map(_witness, named)),
        exemptions=tuple(map(_exemption, top.tables("exempt"))),
        diversity=_diversity(top),
        max_attempts=top.optional_integer("max-attempts", least=1),
        public_indexes=_public_indexes(top),
        quorum=_quorum(top),
        independent=top.integer("independent", least=0, default=0),
        services=services,
        fail_on=_fail_on(top),
        project_policy=top.boolean("project-policy", default=False),
        lookup=_lookup(top),
        max_snapshot_days=top.integer("max-snapshot-days", least=1, default=DEFAULT_MAX_SNAPSHOT_DAYS),
        notes=tuple(note for item in named for note in item.notes),
    )
    top.finish()
    check_witnesses(top, policy)
    check_quorum(top, policy)
    check_reachable(top, policy)
    return policy


def _accept(top: Table) -> frozenset[str]:
    accept = top.strings("accept", DEFAULT_ACCEPT)
    for level in accept:
        if level not in ACCEPTABLE:
            top.refuse("accept", f"no such level: {level!r}", hint=f"Choose from {', '.join(ACCEPTABLE)}.")
    if set(accept) == {"static"}:
        top.refuse("accept", "names no level", hint='Add the level of static checks: "metadata".')
    return frozenset(accept)


def _fail_on(top: Table) -> frozenset[str] | None:
    names = top.optional_strings("fail-on")
    for name in names or ():
        if name not in FAILURES:
            top.refuse("fail-on", f"no such outcome: {name!r}", hint=f"Choose from {', '.join(FAILURES)}.")
    return None if names is None else frozenset(names)


def _public_indexes(top: Table) -> tuple[str, ...]:
    addresses = top.strings("public-indexes") if top.has("public-indexes") else ()
    for address in addresses:
        if not _INDEX.fullmatch(address):
            problem = f"not a web address: {printable(address, limit=80)}"
            top.refuse("public-indexes", problem, hint="Write it as https://index.example/simple.")
    return addresses


def _lookup(top: Table) -> str:
    lookup = top.string("lookup", LOOKUPS[0])
    if lookup not in LOOKUPS:
        top.refuse("lookup", f"no such way: {lookup!r}", hint=f"Choose from {', '.join(LOOKUPS)}.")
    return lookup


def _diversity(top: Table) -> tuple[tuple[str, int], ...]:
    table = top.table("diversity")
    if table is None:
        return ()
    asked = [(place, table.optional_integer(place, least=1)) for place in PLACES]
    table.finish()
    return tuple((place, count) for place, count in asked if count is not None)


def _quorum(top: Table) -> QuorumPolicy | None:
    text = top.text("cosigner-quorum")
    if text is None:
        return None
    try:
        found = quorum.parse(text.encode())
    except Malformed as error:
        top.refuse("cosigner-quorum", str(error), hint="See c2sp.org/tlog-policy.")
    if found.logs or found.quorum is None:
        problem = "names a log, or no quorum"
        top.refuse(
            "cosigner-quorum", problem, hint="Logs are those of the witnesses; it says who cosigns them."
        )
    return found


def _everyone(top: Table) -> tuple[list[Table], tuple[TrustedService, ...]]:
    """The tables `[[witness]]`, by their kinds: those of nodes, still to be read, and the services."""
    kinds: dict[str, list[Table]] = {"node": [], "oss-rebuild": []}
    for table in top.tables("witness"):
        kind = table.string("kind", "node")
        if kind not in kinds:
            table.refuse("kind", f"no such kind: {kind!r}", hint=f"Choose from {', '.join(kinds)}.")
        if kind == "node" and kinds["oss-rebuild"]:
            table.refuse("name", "a node after other kinds", hint="Put nodes first.")  # as they are numbered
        kinds[kind].append(table)
    return kinds["node"], tuple(map(_service, kinds["oss-rebuild"]))


def _service(table: Table) -> TrustedService:
    accept = table.strings("accept")
    for level in accept:
        if level not in REBUILD_LEVELS:
            hint = f"Choose from {', '.join(REBUILD_LEVELS)}: levels of its own."
            table.refuse("accept", f"no such level: {level!r}", hint=hint)
    form = "ecdsa-p256:…"
    identity = RebuildService(
        name=table.string("name"),
        operator=table.string("operator"),
        keys=tuple(_key(table, "keys", EcdsaKey.parse, key, form) for key in table.strings("keys")),
        builder=table.string("builder", GOOGLE),
    )
    url, traits = _url(table), _traits(table)
    table.finish()
    return TrustedService(identity, url, frozenset(accept), traits)


def _url(table: Table, default: str | None = None) -> str:
    url = table.string("url", default)
    if "://" in url and not url.startswith(("http://", "https://")):
        table.refuse("url", f"not http or https: {url!r}", hint="Give a web address, or a local path.")
    return url


def _traits(table: Table) -> Traits:
    places = [(place, table.optional(place)) for place in PLACES]
    return tuple((place, value) for place, value in places if value is not None)


class _Named:
    """A `[[witness]]` table, and what a directory has for the keys that it leaves out."""

    def __init__(self, table: Table, directory: Callable[[str], Directory]) -> None:
        self.table = table
        self.name = table.string("name")
        self.operator = table.string("operator")
        self.notes: list[str] = []
        self._directory = table.optional("directory")
        self._member = self._find(directory(self._directory)) if self._directory else None

    def default(self, key: str) -> Any:
        """What the directory has for `key`; None for nothing."""
        return getattr(self._member, key.replace("-", "_")) if self._member else None

    def compare(self, key: str, value: object) -> None:
        """Notes that the directory has something else than `value`, which counts."""
        theirs = self.default(key)
        if self._member and theirs != value:
            self.notes.append(
                f"{self.name}: the directory {self._directory} has another {key} than the policy"
            )

    def _find(self, directory: Directory) -> Member:
        member = directory.member(self.name)
        if member is None:
            problem = f"{self.name!r} is no member of the directory {self._directory}"
            self.table.refuse("name", problem, hint="`wheelwitness directory list` names them.")
        if member.operator != self.operator:
            # Who has a vote is for the policy alone; a directory could make two of one.
            problem = f"{self.operator!r} here, and {member.operator!r} in the directory {self._directory}"
            self.table.refuse("operator", problem, hint="Find out who runs it, and write what you believe.")
        return member


def _witness(named: _Named) -> TrustedWitness:
    table, default = named.table, named.default
    url, log_key = _url(table, default("url")), table.string("log-key", default("log-key"))
    keyless = _keyless(table)
    keys = () if keyless else table.strings("keys", default("keys"))
    cosigner = table.optional("cosigner-key") or default("cosigner-key")
    for key, value in (("url", url), ("log-key", log_key), ("cosigner-key", cosigner)):
        named.compare(key, value)
    if not keyless:
        named.compare("keys", keys)
    identity = WitnessIdentity(
        name=named.name,
        operator=named.operator,
        log_key=_key(table, "log-key", VerifierKey.parse, log_key, _VKEY),
        keys=tuple(_key(table, "keys", parse_key, key, _KEYS) for key in keys),
        cosigner_key=None
        if cosigner is None
        else _key(table, "cosigner-key", CosignerKey.parse, cosigner, _VKEY),
        sigstore=keyless,
    )
    traits = _traits(table)
    table.finish()
    return TrustedWitness(identity, url, traits)


def _keyless(table: Table) -> KeylessIdentity | None:
    inner = table.table("sigstore")
    if inner is None:
        return None
    if table.has("keys"):
        table.refuse("keys", "besides sigstore", hint="A witness signs with keys, or in a name: keep one.")
    identity = KeylessIdentity(
        inner.string("identity"), inner.string("issuer"), inner.optional("trust") or ""
    )
    if not identity.issuer.startswith(("https://", "http://")):
        inner.refuse("issuer", f"not a URL: {identity.issuer!r}", hint="Copy it from the witness.")
    inner.finish()
    return identity


def _key(table: Table, name: str, parse_key: Callable[[str], K], text: str, form: str) -> K:
    try:
        return parse_key(text)
    except Malformed as error:
        table.refuse(name, str(error), hint=f"Copy the whole key from the witness, as {form}.")


def _exemption(table: Table) -> Exemption:
    package = canonicalize_name(table.string("package"))
    exemption = Exemption(package, table.string("reason"), table.date("expires"))
    table.finish()
    return exemption
