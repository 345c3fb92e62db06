"""Whom a consumer believes, and how many of them must agree: policy text in, a frozen `Policy` out.

Fails closed: an unknown key, a value of another type, a threshold that is zero or that nobody could meet, or a
key that does not parse is an `InputError` that names the file and the place in it. Nothing is guessed and nothing
is fetched. The format is in docs/reference/policy.md.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from packaging.utils import canonicalize_name

from witness.directory import Directory, Member
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.keyless.identity import KeylessIdentity
from witness.keys import EcdsaKey, ObservationKey, parse_key
from witness.limits import MAX_POLICY
from witness.note import KeyMaterial, VerifierKey
from witness.observation import LEVELS
from witness.ossrebuild.rebuild import GOOGLE, REBUILD_LEVELS, RebuildService
from witness.outcome import FAILURES
from witness.spread import Traits, spread
from witness.table import Table
from witness.tlog import quorum
from witness.tlog.cosignature import CosignerKey
from witness.tlog.quorum import QuorumPolicy
from witness.verification import WitnessIdentity

K = TypeVar("K")

PLACES: Final = ("country", "platform", "hosting")
ACCEPTABLE: Final = (*LEVELS, "static")
DEFAULT_ACCEPT: Final = ("bitwise", "archive")
DEFAULT_MAX_AGE_DAYS: Final = 400
DEFAULT_MAX_SNAPSHOT_DAYS: Final = 30
LOOKUPS: Final = ("prefix", "prefix-or-exact", "exact")
_VKEY: Final = "name+hash+key"
_INDEX: Final = re.compile(r"https?://[a-zA-Z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?", re.ASCII)
_KEYS: Final = "ed25519:… or ecdsa-p256:…"


@dataclass(frozen=True, slots=True)
class TrustedWitness:
    """A witness that the policy names, and where it publishes: an http(s) address or a local path.

    `traits` are where and on what it runs, as the policy says: pairs of one of `PLACES` and a value. What a
    node says of itself is not asked.
    """

    identity: WitnessIdentity
    url: str
    traits: Traits = ()

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.identity.name

    @property
    def operator(self) -> str:
        """Who runs it, and has one vote."""
        return self.identity.operator


@dataclass(frozen=True, slots=True)
class TrustedService:
    """An instance of OSS Rebuild that the policy names, and which of `REBUILD_LEVELS` count of it.

    It is no witness in the full sense: it has no log, builds from git, and says nothing of what differs.
    """

    identity: RebuildService
    url: str
    accept: frozenset[str]
    traits: Traits = ()

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.identity.name

    @property
    def operator(self) -> str:
        """Who runs it, and has one vote."""
        return self.identity.operator


@dataclass(frozen=True, slots=True)
class Exemption:
    """A project that is not asked about, why, and the last day on which that holds."""

    package: str
    reason: str
    expires: date

    def holds_on(self, day: date) -> bool:
        """Whether it still counts on `day`, which its last day does."""
        return day <= self.expires


@dataclass(frozen=True, slots=True)
class Policy:
    """A consumer's decision whom to believe. `accept` holds levels, and "static" for observations without a build.

    `diversity` are pairs of one of `PLACES` and how many different values of it agreeing operators must have.
    `max_attempts` is the most builds that a match may have taken, None for any number. `quorum` says which cosigners
    together are enough, where their number alone does not. `independent` is how many of the agreeing operators must
    have committed to what they saw before another's could be read. `services` are believed besides the `witnesses`, of
    which there is at least one. `fail_on` is at what a gate stops (witness.outcome), None for the default.
    `project_policy`: the project that is checked may ask for more (witness.tightening), which is where `agreeing` comes
    from: the names of those of `everyone` whose matches count, None for all. A mismatch counts of any. What lies below
    an address in `public_indexes` may be asked about, as what comes from PyPI may (witness.pins.public). `lookup` is
    how much witnesses learn of what is asked: prefixes of digests, whole digests of those who have no files for
    prefixes, or of all. `notes` say where a directory has other values than the policy itself.
    """

    threshold: int
    veto: int
    cosigners: int
    max_age_days: int
    accept: frozenset[str]
    witnesses: tuple[TrustedWitness, ...]
    exemptions: tuple[Exemption, ...] = ()
    diversity: tuple[tuple[str, int], ...] = ()
    max_attempts: int | None = None
    public_indexes: tuple[str, ...] = ()
    quorum: QuorumPolicy | None = None
    independent: int = 0
    services: tuple[TrustedService, ...] = ()
    fail_on: frozenset[str] | None = None
    project_policy: bool = False
    agreeing: frozenset[str] | None = None
    lookup: str = LOOKUPS[0]
    max_snapshot_days: int = DEFAULT_MAX_SNAPSHOT_DAYS
    notes: tuple[str, ...] = ()

    @property
    def everyone(self) -> tuple[TrustedWitness | TrustedService, ...]:
        """All who may count towards the threshold."""
        return *self.witnesses, *self.services

    def traits_of(self, name: str) -> Traits:
        """What the policy says of the place of the witness `name`."""
        return next((item.traits for item in self.everyone if item.name == name), ())

    @property
    def operators(self) -> frozenset[str]:
        """Everyone with a vote: the denominator, whoever answers."""
        return frozenset(item.operator for item in self.everyone)

    @property
    def cosigners_known(self) -> tuple[tuple[str, CosignerKey], ...]:
        """Keys for countersigning checkpoints, and whose they are: operators, or cosigners of the quorum by name."""
        own = tuple(
            (witness.operator, witness.identity.cosigner_key)
            for witness in self.witnesses
            if witness.identity.cosigner_key is not None
        )
        named = {key.public_key for _, key in own}
        others = self.quorum.cosigners if self.quorum else ()
        return (*own, *((item.name, item.key) for item in others if item.key.public_key not in named))

    def is_cosigned(self, cosigned_by: frozenset[str]) -> bool:
        """Whether cosignatures by those of `cosigners_known` are enough; a log's own operator is not among them."""
        if self.quorum is None:
            return len(cosigned_by) >= self.cosigners
        return self.quorum.satisfied_by(
            {key.public_key for who, key in self.cosigners_known if who in cosigned_by}
        )

    def proves(self, cosigned_by: frozenset[str]) -> bool:
        """Whether cosignatures by those prove when something was committed to: enough, and one of them at least."""
        return bool(cosigned_by) and self.is_cosigned(cosigned_by)

    def exemption(self, project: str) -> Exemption | None:
        """What the policy says of `project`, expired or not."""
        name = canonicalize_name(project)
        return next((item for item in self.exemptions if item.package == name), None)


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
    _check_witnesses(top, policy)
    _check_quorum(top, policy)
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


def _check_witnesses(top: Table, policy: Policy) -> None:
    if not policy.witnesses:
        problem = (
            "no node is named, and nobody else can dissent" if policy.services else "no witness is named"
        )
        top.refuse(
            "witness",
            problem,
            hint="`wheelwitness trust add URL` adds one, after you have looked at its keys.",
        )
    names: dict[str, int] = {}
    logs: dict[VerifierKey, int] = {}
    for number, witness in enumerate(policy.witnesses, 1):
        where = f"witness[{number}]."
        if (first := names.setdefault(witness.name, number)) != number:
            top.refuse(f"{where}name", f"the same name as witness[{first}]", hint="Name each witness once.")
        if (first := logs.setdefault(witness.identity.log_key, number)) != number:
            top.refuse(
                f"{where}log-key", f"the log of witness[{first}]", hint="Each witness has its own log."
            )
    _check_votes(top, policy)
    _check_services(top, policy)
    _check_spellings(top, policy)
    packages = [item.package for item in policy.exemptions]
    for number, package in enumerate(packages, 1):
        if package in packages[: number - 1]:
            top.refuse(f"exempt[{number}].package", f"{package} twice", hint="Keep one of them.")


def _check_votes(top: Table, policy: Policy) -> None:
    """One operator under two spellings, or one key or identity under two names, would have two votes."""
    spellings: dict[str, str] = {}
    holders: dict[ObservationKey, int] = {}
    cosigners: dict[KeyMaterial, str] = {}
    for number, witness in enumerate(policy.witnesses, 1):
        folded = " ".join(witness.operator.casefold().split())
        if spellings.setdefault(folded, witness.operator) != witness.operator:
            problem = f"{witness.operator!r} is also written {spellings[folded]!r}"
            top.refuse(f"witness[{number}].operator", problem, hint="Write an operator's name in one way.")
        for key in witness.identity.keys:
            if holders.setdefault(key, number) != number:
                problem = f"a key that witness[{holders[key]}] has too"
                top.refuse(f"witness[{number}].keys", problem, hint="Each witness signs with its own key.")
        _check_identity(top, number, policy)
        cosigner = witness.identity.cosigner_key
        if cosigner and cosigners.setdefault(cosigner.public_key, witness.operator) != witness.operator:
            problem = f"a key that {cosigners[cosigner.public_key]!r} has too"
            top.refuse(f"witness[{number}].cosigner-key", problem, hint="Each operator cosigns with its own.")


def _check_identity(top: Table, number: int, policy: Policy) -> None:
    identity = policy.witnesses[number - 1].identity.sigstore
    for first, other in enumerate(policy.witnesses[: number - 1], 1):
        if identity and other.identity.sigstore and identity.shares(other.identity.sigstore):
            problem = f"an identity that witness[{first}] has too"
            top.refuse(f"witness[{number}].sigstore", problem, hint="Each witness signs in its own name.")


def _check_services(top: Table, policy: Policy) -> None:
    """What would give one party two votes, and what a service cannot have."""
    before: list[TrustedWitness | TrustedService] = [*policy.witnesses]
    for number, service in enumerate(policy.services, len(before) + 1):
        where = f"witness[{number}]."
        for other in before:
            if other.name == service.name:
                top.refuse(f"{where}name", "the name of another witness", hint="Name each witness once.")
            if other.operator != service.operator and _folded(other.operator) == _folded(service.operator):
                problem = f"{service.operator!r} is also written {other.operator!r}"
                top.refuse(f"{where}operator", problem, hint="Write an operator's name in one way.")
            if set(other.identity.keys) & set(service.identity.keys):
                top.refuse(f"{where}keys", "a key of another witness", hint="Each signs with its own key.")
        if policy.max_attempts is not None:
            problem = "does not say how many attempts it took, and max-attempts asks for that"
            top.refuse(f"{where}kind", problem, hint="Leave out max-attempts, or this witness.")
        before.append(service)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _check_quorum(top: Table, policy: Policy) -> None:
    """Who cosigns under two keys, or under an operator's name, would be taken for two, or for that operator."""
    if policy.quorum is None:
        return
    if policy.cosigners:
        problem = "a number and a quorum"
        top.refuse("cosigners", problem, hint="Leave out cosigners, or cosigner-quorum.")
    owners = {key.public_key: who for who, key in policy.cosigners_known}
    operators = {witness.identity.cosigner_key for witness in policy.witnesses}
    seen: set[str] = set()
    for item in policy.quorum.cosigners:
        who = owners[item.key.public_key]
        if who in seen or (who in policy.operators and item.key not in operators):
            problem = f"{who!r} with two keys, or somebody else under that name"
            top.refuse("cosigner-quorum", problem, hint="Name each once, and not as an operator is named.")
        seen.add(who)


def _check_spellings(top: Table, policy: Policy) -> None:
    """One place under two spellings would count as two."""
    spellings: dict[tuple[str, str], str] = {}
    for number, witness in enumerate(policy.everyone, 1):
        for place, value in witness.traits:
            folded = place, _folded(value)
            if spellings.setdefault(folded, value) != value:
                problem = f"{value!r} is also written {spellings[folded]!r}"
                top.refuse(f"witness[{number}].{place}", problem, hint="Write it in one way.")


def check_reachable(top: Table, policy: Policy) -> None:
    """A policy that nothing can satisfy, or a veto that nobody can cast, is a mistake and is said at once."""
    operators = policy.operators
    dissenting = {witness.operator for witness in policy.witnesses}  # services never do
    for key, value, able in (("threshold", policy.threshold, operators), ("veto", policy.veto, dissenting)):
        if value > len(able):
            who = "named" if key == "threshold" or not policy.services else "named that can dissent"
            problem = f"{value} operators are asked for, and {len(able)} {who}"
            top.refuse(key, problem, hint="An operator has one vote, however many witnesses it runs.")
    countersigning = frozenset(operator for operator, _ in policy.cosigners_known)
    unlogged = {service.operator for service in policy.services}
    countersigned = [
        who for who in operators if who in unlogged or policy.is_cosigned(countersigning - {who})
    ]
    if len(countersigned) < policy.threshold and policy.quorum is not None:
        problem = (
            f"the logs of {len(countersigned)} operators can have it, and threshold is {policy.threshold}"
        )
        top.refuse("cosigner-quorum", problem, hint="Nobody's own cosigner counts for his log.")
    if len(countersigned) < policy.threshold:
        problem = f"no {policy.threshold} operators can have {policy.cosigners} others as cosigners"
        top.refuse("cosigners", problem, hint="Give other operators a cosigner-key, or lower it.")
    _check_independent(top, policy)
    for place, count in policy.diversity:
        if count > policy.threshold:
            problem = f"{count} are asked for, of {policy.threshold} operators"
            top.refuse(f"diversity.{place}", problem, hint="Lower it, or raise threshold.")
        named = spread(((item.operator, item.traits) for item in policy.everyone), place)
        if count > named:
            problem = f"{count} are asked for, and the witnesses' operators have {named}"
            top.refuse(f"diversity.{place}", problem, hint=f"Add {place} to [[witness]] tables, or lower it.")


def _check_independent(top: Table, policy: Policy) -> None:
    if policy.independent > policy.threshold:
        problem = f"{policy.independent} are asked for, of {policy.threshold} operators"
        top.refuse("independent", problem, hint="Lower it, or raise threshold.")
    countersigning = frozenset(who for who, _ in policy.cosigners_known)
    provable = [who for who in policy.operators if policy.proves(countersigning - {who})]
    if len(provable) < policy.independent:
        problem = f"the commitments of {len(provable)} operators can be proven by others"
        top.refuse("independent", problem, hint="Give other operators a cosigner-key, or lower it.")
