"""Asks every witness of a policy about artifacts, verifies what they answer, and lets the policy judge.

A shell around `verify_bundle` and `decide`. Whatever a witness does ends up as a line of evidence against its name:
a verified observation, silence, or a rejection with a reason. One witness's failure never hides another's answer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

from witness import bundle
from witness.bundle import Bundle
from witness.errors import FetchFailed, Malformed, NotFound, Unverified
from witness.evidence import Artifact, AsOf, Evidence, Rejection, Silence
from witness.log.watch import LogWatch
from witness.policy import Policy, TrustedWitness
from witness.sources.interface import ObservationSource
from witness.verdict import Verdict, decide, exempted
from witness.verification import VerifiedObservation, verify_bundle

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
        as_of: how old what is asked is, where a snapshot is asked instead of witnesses.
    """

    policy: Policy
    sources: Mapping[str, ObservationSource]
    workers: int = 8
    progress: Callable[[], None] = lambda: None
    watch: LogWatch | None = None
    as_of: tuple[AsOf, ...] = ()
    _failures: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def judge(self, artifacts: Sequence[Artifact], now: datetime) -> list[Verdict]:
        """The verdict on each artifact at `now`, in the order given. What is exempt is not asked about."""
        asked = [item for item in artifacts if exempted(item, self.policy, now) is None]
        evidence = dict(zip(asked, self.gather(asked), strict=True))
        return [decide(item, evidence.get(item, Evidence()), self.policy, now) for item in artifacts]

    def gather(self, artifacts: Sequence[Artifact]) -> list[Evidence]:
        """All that the policy's witnesses have to say about each artifact, in the order given."""
        # By digest, so that those that one request answers come one after the other.
        digests = sorted({item.sha256 for item in artifacts})
        tasks = [(digest, witness) for digest in digests for witness in self.policy.witnesses]
        found: dict[str, list[Evidence]] = {digest: [] for digest in digests}
        answers: Iterable[Evidence]
        if self.workers == 1:
            answers = map(self._ask, tasks)
        else:
            with ThreadPoolExecutor(max_workers=self.workers) as pool:
                answers = pool.map(self._ask, tasks)
        for (digest, _), part in zip(tasks, answers, strict=True):
            found[digest].append(part)
        if self.watch is not None:
            self.watch.save()
        return [self._convict(_together(found[item.sha256])) for item in artifacts]

    def _ask(self, task: tuple[str, TrustedWitness]) -> Evidence:
        sha256, witness = task
        try:
            lines = self._lines(sha256, witness)
        except NotFound:
            return _silence(witness, "has nothing about it", reachable=True)
        except FetchFailed as error:
            return _silence(witness, f"unreachable: {error}", reachable=False)
        finally:
            self.progress()
        parts = [self._verify(line, sha256, witness) for line in lines]
        verified = [part for part in parts if not isinstance(part, Rejection)]
        if self.watch is not None:
            self.watch.look(witness.identity, [heard for heard, _ in verified])
        return Evidence(
            observations=tuple(observation for _, observation in verified),
            rejected=tuple(part for part in parts if isinstance(part, Rejection)),
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
        # A site that is down costs every lookup its retries and time-outs: a few of them tell enough.
        if self._failures.get(witness.name, 0) >= _GIVE_UP:
            raise FetchFailed(f"not asked again after {_GIVE_UP} failures in a row")
        try:
            lines = self.sources[witness.name].lines(sha256)
        except NotFound:
            self._count(witness, failed=False)
            raise
        except FetchFailed:
            self._count(witness, failed=True)
            raise
        self._count(witness, failed=False)
        return lines

    def _count(self, witness: TrustedWitness, *, failed: bool) -> None:
        with self._lock:
            self._failures[witness.name] = self._failures.get(witness.name, 0) + 1 if failed else 0

    def _verify(
        self, line: bytes, sha256: str, witness: TrustedWitness
    ) -> tuple[Bundle, VerifiedObservation] | Rejection:
        try:
            heard = bundle.parse(line)
            verified = verify_bundle(heard, witness.identity, self.policy.cosigners_known)
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
    )
