"""A policy as values: frozen, and checked by whoever makes one (witness.policy.text)."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from packaging.utils import canonicalize_name

from witness.observation import LEVELS
from witness.ossrebuild.rebuild import RebuildService
from witness.spread import Traits
from witness.tlog.cosignature import CosignerKey
from witness.tlog.quorum import QuorumPolicy
from witness.verification import WitnessIdentity

PLACES: Final = ("country", "platform", "hosting")
ACCEPTABLE: Final = (*LEVELS, "static")
DEFAULT_MAX_AGE_DAYS: Final = 400
DEFAULT_MAX_SNAPSHOT_DAYS: Final = 30
LOOKUPS: Final = ("prefix", "prefix-or-exact", "exact")


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
