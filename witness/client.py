"""Asks every witness of a policy about artifacts, verifies what they answer, and lets the policy judge.

A shell around `BundleVerifier` and `decide`. Whatever a witness does ends up as a line of evidence against its name:
a verified observation, silence, or a rejection with a reason. One witness's failure never hides another's answer.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final, TypeVar

from witness.bundle import Bundle
from witness.entry import Authority
from witness.errors import FetchFailed, Malformed, NotFound, Unverified
from witness.evidence import Artifact, AsOf, Evidence, Rejection, Silence
from witness.keychain import Withdrawn
from witness.keywatch import KeyWatch, KnownKeys
from witness.log.watch import LogWatch
from witness.ossrebuild.rebuild import verify_rebuild
from witness.policy import Policy, TrustedService, TrustedWitness
from witness.remembered import Memory
from witness.sources.interface import ObservationSource, bundle_of
from witness.sources.rebuilds import RebuildSource
from witness.verdict import Verdict, decide, exempted
from witness.verification import BundleVerifier, VerifiedObservation

T = TypeVar("T")

_GIVE_UP: Final = 3


@dataclass(slots=True)
class Client:
    """Answers for one policy.

    Args:
        policy: whom to ask and believe.
        sources: where each witness of the policy publishes, by the witness's name.
        workers: how many lookups are under way at once. One is fastest where nothing has to be waited for.
        progress: called after each lookup, from any thread.
        watch: looks out for logs that contradict themselves; None for nobody.
        memory: verdicts of earlier runs that may be used; None for none.
        keys: says what became of witnesses' keys; None for the policy alone.
        authorities: who may speak for those witnesses that have no keys, by the witness's name.
        rebuilds: where each service of the policy publishes, by the service's name.
        as_of: how old what is asked is, where a snapshot is asked instead of witnesses.
    """

    policy: Policy
    sources: Mapping[str, ObservationSource]
    workers: int = 8
    progress: Callable[[], None] = lambda: None
    watch: LogWatch | None = None
    memory: Memory | None = None
    keys: KeyWatch | None = None
    authorities: Mapping[str, Authority] = field(default_factory=dict)
    rebuilds: Mapping[str, RebuildSource] = field(default_factory=dict)
    as_of: tuple[AsOf, ...] = ()
    _failures: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)
    _verifiers: dict[str, BundleVerifier] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        cosigners = self.policy.cosigners_known
        self._verifiers = {
            witness.name: BundleVerifier(witness.identity, cosigners) for witness in self.policy.witnesses
        }

    def judge(self, artifacts: Sequence[Artifact], now: datetime) -> list[Verdict]:
        """The verdict on each artifact at `now`, in the order given. What is exempt is not asked about."""
        known = self._known(artifacts, now)
        unknown = (item for item in artifacts if item not in known)
        asked = [item for item in unknown if exempted(item, self.policy, now) is None]
        evidence = dict(zip(asked, self.gather(asked), strict=True))
        verdicts = [
            known.get(item) or decide(item, evidence.get(item, Evidence()), self.policy, now)
            for item in artifacts
        ]
        if self.memory is not None and asked:
            self.memory.remember([item for item in verdicts if item.artifact in evidence], self.policy, now)
        return verdicts

    def _known(self, artifacts: Sequence[Artifact], now: datetime) -> dict[Artifact, Verdict]:
        if self.memory is None:
            return {}
        recalled = ((item, self.memory.recall(item, now)) for item in artifacts)
        return {item: verdict for item, verdict in recalled if verdict is not None}

    def gather(self, artifacts: Sequence[Artifact]) -> list[Evidence]:
        """All that the policy's witnesses have to say about each artifact, in the order given."""
        # By digest, so that those that one request answers come one after the other.
        digests = sorted({item.sha256 for item in artifacts})
        tasks = [(digest, witness) for digest in digests for witness in self.policy.witnesses]
        found: dict[str, list[Evidence]] = {digest: [] for digest in digests}
        with ThreadPoolExecutor(max_workers=self.workers) as pool:
            if self.keys is not None and tasks:
                self.keys.ask([witness.identity for witness in self.policy.witnesses], pool, self.watch)
            # Where nothing has to be waited for, threads are in each other's way.
            answers = map(self._ask, tasks) if self.workers == 1 else pool.map(self._ask, tasks)
            for (digest, _), part in zip(tasks, answers, strict=True):
                found[digest].append(part)
            named = list(dict.fromkeys(artifacts)) if self.policy.services else []
            told = dict(zip(named, pool.map(self._ask_services, named), strict=True))
        if self.watch is not None:
            self.watch.save()
        return [self._convict(_together([*found[item.sha256], *told.get(item, ())])) for item in artifacts]

    def _ask_services(self, artifact: Artifact) -> list[Evidence]:
        return [self._ask_service(artifact, service) for service in self.policy.services]

    def _ask_service(self, artifact: Artifact, service: TrustedService) -> Evidence:
        filename, name, operator = artifact.filename, service.name, service.operator
        if filename is None:
            self.progress()
            nameless = "is asked by the name of a file, which is not known here"
            return Evidence(silent=(Silence(name, operator, nameless, reachable=True),))
        try:
            found = self._counted(name, lambda: self.rebuilds[name].bundle(filename))
            verified = verify_rebuild(found, service.identity, filename, artifact.sha256)
        except NotFound as error:
            return Evidence(silent=(Silence(name, operator, str(error), reachable=True),))
        except FetchFailed as error:
            return Evidence(silent=(Silence(name, operator, f"unreachable: {error}", reachable=False),))
        except Unverified as error:
            return Evidence(rejected=(Rejection(name, operator, f"does not verify: {error}", bad=True),))
        except Malformed as error:  # signed, so that it is no evidence of tampering
            return Evidence(rejected=(Rejection(name, operator, f"cannot be read: {error}"),))
        finally:
            self.progress()
        return Evidence(rebuilds=(verified,))

    def _ask(self, task: tuple[str, TrustedWitness]) -> Evidence:
        sha256, witness = task
        try:
            known = self.keys.known(witness.name) if self.keys else None
            lines = self._lines(sha256, witness)
        except NotFound:
            return _silence(witness, "has nothing about it", reachable=True)
        except FetchFailed as error:
            return _silence(witness, f"unreachable: {error}", reachable=False)
        finally:
            self.progress()
        parts = [self._verify(line, sha256, witness, known) for line in lines]
        verified = [part for part in parts if not isinstance(part, Rejection)]
        if self.watch is not None:
            self.watch.look(witness.identity, [heard for heard, _ in verified])
        return Evidence(
            observations=tuple(observation for _, observation in verified),
            rejected=(
                *(part for part in parts if isinstance(part, Rejection)),
                *(
                    Rejection(witness.name, witness.operator, told.reason, told.bad)
                    for told in (known.told if known else ())
                ),
            ),
        )

    def _convict(self, evidence: Evidence) -> Evidence:
        """`evidence` without the matches of witnesses whose log was caught: such a log is heard by dissent alone."""
        names = {item.witness.name: item.witness.operator for item in evidence.observations}
        caught = {name: self.watch.caught(name) if self.watch else () for name in names}
        return Evidence(
            observations=tuple(
                item
                for item in evidence.observations
                if not caught[item.witness.name] or item.statement.observation.result == "mismatch"
            ),
            silent=evidence.silent,
            rebuilds=evidence.rebuilds,
            rejected=(
                *evidence.rejected,
                *(
                    Rejection(name, names[name], f"its log contradicts itself: {line}", bad=True)
                    for name, lines in sorted(caught.items())
                    for line in lines
                ),
            ),
        )

    def _lines(self, sha256: str, witness: TrustedWitness) -> tuple[bytes, ...]:
        return self._counted(witness.name, lambda: self.sources[witness.name].lines(sha256))

    def _counted(self, name: str, ask: Callable[[], T]) -> T:
        # A site that is down costs every lookup its retries and time-outs: a few of them tell enough.
        if self._failures.get(name, 0) >= _GIVE_UP:
            raise FetchFailed(f"not asked again after {_GIVE_UP} failures in a row")
        try:
            answer = ask()
        except NotFound:
            self._count(name, failed=False)
            raise
        except FetchFailed:
            self._count(name, failed=True)
            raise
        self._count(name, failed=False)
        return answer

    def _count(self, name: str, *, failed: bool) -> None:
        with self._lock:
            self._failures[name] = self._failures.get(name, 0) + 1 if failed else 0

    def _verify(
        self, line: bytes, sha256: str, witness: TrustedWitness, known: KnownKeys | None
    ) -> tuple[Bundle, VerifiedObservation] | Rejection:
        try:
            heard = bundle_of(line)
            authority = self.authorities.get(witness.name) or (known.authority if known else None)
            verified = self._verifiers[witness.name].verify(heard, authority)
        except Withdrawn as error:
            return Rejection(witness.name, witness.operator, str(error))
        except (Malformed, Unverified) as error:
            return Rejection(witness.name, witness.operator, f"does not verify: {error}", bad=True)
        if verified.statement.sha256 == sha256:
            return heard, verified
        reason = f"answers with a bundle about another file, sha256 {verified.statement.sha256}"
        return Rejection(witness.name, witness.operator, reason, bad=True)


def _silence(witness: TrustedWitness, reason: str, *, reachable: bool) -> Evidence:
    return Evidence(silent=(Silence(witness.name, witness.operator, reason, reachable),))


def _together(parts: Sequence[Evidence]) -> Evidence:
    return Evidence(
        observations=tuple(item for part in parts for item in part.observations),
        silent=tuple(item for part in parts for item in part.silent),
        rejected=tuple(item for part in parts for item in part.rejected),
        rebuilds=tuple(item for part in parts for item in part.rebuilds),
    )
