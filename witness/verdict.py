"""What a policy makes of the verified observations of one artifact: pure, and the same for any order of them.

The rules, in the order in which they decide:

1. A witness is heard by its newest comparison (by log index), or where it has none by its newest observation; and by
   a mismatch alone if its log has two entries in one place. What does not meet the policy is rejected with a reason:
   dated in the future, a level or method that is not accepted, too few cosigners, too old. A *mismatch* is heard
   whatever its age and cosigners are: doubt does not heal with time, and needs no quorum to be taken seriously. Only a
   newer comparison of its witness replaces it.
2. An operator has one vote. A mismatch by any of its witnesses is its vote; otherwise its best match.
3. Matches add up only if they were built from the same sdist and name the same digests of the published members. The
   word "match" adds nothing: a statement whose digests do not bear out its level cannot be read (witness.statement).
   What a service of the policy rebuilt from git joins them, at the levels that the policy accepts of that service.
4. The denominator is the policy's threshold, never the number of those who answered: silence never helps.
5. `veto` dissenting operators make it `divergent`, or `disputed` where the others reach the threshold all the
   same, so that a few agreeing voices cannot soften a divergence.
6. `threshold` agreeing operators, in as many different places as the policy asks for, and as many of them independent
   (witness.independence), make it `reproduced` (rebuilt, and bitwise or exact archive) or `equivalent`.
7. Otherwise it is `stale` if only age is missing, `unbuildable` or `unattempted` if that is all there is to hear,
   `error` if nobody could be reached, and else `insufficient`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from witness.escape import printable
from witness.evidence import Artifact, Evidence, Rejection, Silence, newest
from witness.independence import independent
from witness.observation import LEVELS, Level
from witness.ossrebuild.rebuild import VerifiedRebuild
from witness.outcome import Outcome
from witness.policy import Policy
from witness.spread import spread
from witness.vote import Voice, Vote, cast, cast_rebuild


@dataclass(frozen=True, slots=True)
class Alarm:
    """Several operators rebuilt, from one sdist, the same payload, and it is not the published one."""

    source: str
    payload_digest: str
    operators: tuple[str, ...]

    @property
    def text(self) -> str:
        """In one line."""
        who = printable(", ".join(self.operators))
        return f"{who} rebuilt one and the same other payload, sha256:{self.payload_digest}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for one artifact, with everyone's part in it. `unable` tried, or declined, and cannot say.

    `correlated` are names of agreeing witnesses of several operators that built by one recipe in equal environments,
    and so would share a flaw of either.
    """

    artifact: Artifact
    outcome: Outcome
    reason: str
    level: Level | None = None
    agreeing: tuple[Voice, ...] = ()
    dissenting: tuple[Voice, ...] = ()
    unable: tuple[Voice, ...] = ()
    silent: tuple[Silence, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    alarm: Alarm | None = None
    correlated: tuple[tuple[str, ...], ...] = ()

    @property
    def bad_signature(self) -> bool:
        """Whether a witness served something that fails verification."""
        return any(rejection.bad for rejection in self.rejected)

    @property
    def independent(self) -> tuple[str, ...]:
        """The agreeing witnesses whose operators committed before another's match could be read."""
        return tuple(voice.witness for voice in self.agreeing if voice.independent)

    @property
    def filename(self) -> str | None:
        """What the file is called: by the consumer, or else by the witnesses, if they call it the same."""
        names = {voice.filename for voice in (*self.agreeing, *self.dissenting, *self.unable)}
        return self.artifact.filename or (names.pop() if len(names) == 1 else None)

    @property
    def compared(self) -> bool:
        """Whether some witness served a comparison of this artifact, or something that claims to be one."""
        return bool(self.agreeing or self.dissenting or self.rejected)


def exempted(artifact: Artifact, policy: Policy, now: datetime) -> Verdict | None:
    """The verdict `exempt` if the policy exempts the artifact's project today. Nobody need be asked then."""
    exemption = policy.exemption(artifact.project) if artifact.project else None
    if exemption is None or not exemption.holds_on(now.date()):
        return None
    return Verdict(artifact, "exempt", f"exempt until {exemption.expires}: {printable(exemption.reason)}")


def decide(artifact: Artifact, evidence: Evidence, policy: Policy, now: datetime) -> Verdict:
    """The verdict of `policy` at `now` on `artifact`. `evidence` may come in any order."""
    if (exempt := exempted(artifact, policy, now)) is not None:
        return exempt
    latest, forked = newest(evidence.observations)
    elsewhere = [(item.service.operator, item.finished_at) for item in evidence.rebuilds]
    apart = independent(evidence.observations, now, policy.proves, elsewhere)
    evidence = replace(evidence, rejected=(*evidence.rejected, *forked))
    votes = [cast(item, artifact, policy, now, apart) for item in latest]
    votes += [cast_rebuild(item, artifact, policy, now) for item in _newest(evidence.rebuilds)]
    count = _count(votes, policy)
    outcome, level, reason = _outcome(count, evidence, policy)
    alarm = _alarm(count.dissent)
    return Verdict(
        artifact=artifact,
        outcome=outcome,
        reason=reason + (f"; {alarm.text}" if alarm else "") + _expired(artifact, policy, now),
        level=level,
        agreeing=_voices(count.agreed),
        dissenting=_voices(count.dissent),
        unable=_voices(_of(count.heard, "unable")),
        silent=tuple(sorted(set(evidence.silent), key=lambda item: (item.witness, item.reason))),
        rejected=_rejections(count, evidence),
        alarm=alarm,
        correlated=_correlated(count.agreed),
    )


@dataclass(frozen=True, slots=True)
class _Count:
    """All that was heard; of it the dissent, the matches that add up, and those that do not."""

    heard: list[Vote]
    dissent: list[Vote]
    agreed: list[Vote]
    apart: list[Vote]

    def undissented(self, *stances: str) -> list[Vote]:
        """Those of the operators of whom no witness dissents."""
        dissenters = {item.voice.operator for item in self.dissent}
        return [item for item in _of(self.heard, *stances) if item.voice.operator not in dissenters]


def _count(heard: list[Vote], policy: Policy) -> _Count:
    count = _Count(heard, _of(heard, "mismatch"), [], [])
    agreed, apart = _best_group(count.undissented("match"), policy)
    return replace(count, agreed=agreed, apart=apart)


def _outcome(count: _Count, evidence: Evidence, policy: Policy) -> tuple[Outcome, Level | None, str]:
    threshold, dissenters = policy.threshold, _operators(count.dissent)
    tally = f"{_operators(count.agreed)} of the {threshold} operators needed agree"
    tally += "".join(f"; {text}" for text in _missing(count.agreed, policy))
    level = _level_of_quorum(count.agreed, policy)
    if dissenters >= policy.veto:
        plural = "operator" if dissenters == 1 else "operators"
        reason = f"{dissenters} trusted {plural} found it to differ; {tally}"
        return ("disputed" if _is_quorum(count.agreed, policy) else "divergent"), None, reason
    if _is_quorum(count.agreed, policy):
        strong = _is_quorum([item for item in count.agreed if item.strong], policy)
        return ("reproduced" if strong else "equivalent"), level, tally
    ageless, _ = _best_group(count.undissented("match", "old"), policy)
    if _is_quorum(ageless, policy):
        return "stale", None, f"{tally}; the others are older than {policy.max_age_days} days"
    return _without_quorum(count, evidence, policy), None, tally


def _without_quorum(count: _Count, evidence: Evidence, policy: Policy) -> Outcome:
    unreachable = {item.witness for item in evidence.silent if not item.reachable}
    nodes = {witness.name for witness in policy.witnesses}
    if evidence.rejected or any(item.stance != "unable" for item in count.heard):
        return "insufficient"
    if count.heard:
        return "unbuildable"
    if nodes <= unreachable:  # that a service has nothing says nothing
        return "error"
    return "insufficient" if unreachable else "unattempted"


def _newest(rebuilds: Iterable[VerifiedRebuild]) -> list[VerifiedRebuild]:
    """One of each service, whatever their order."""
    in_order = sorted(rebuilds, key=lambda item: (item.finished_at, item.rebuilt, item.text, item.signer))
    return list({item.service.name: item for item in in_order}.values())


def _rejections(count: _Count, evidence: Evidence) -> tuple[Rejection, ...]:
    """What was refused, and matches that do not count although nothing is wrong with them."""
    apart = (_because(item, "from other inputs than the rest; does not add up") for item in count.apart)
    outvoted = (
        _because(item, "another witness of its operator dissents")
        for item in _of(count.heard, "match")
        if item not in count.agreed and item not in count.apart
    )
    voices = [item.voice for item in (*_of(count.heard, "rejected", "old"), *apart, *outvoted)]
    ours = (Rejection(voice.witness, voice.operator, voice.reason) for voice in voices)
    everything = {*evidence.rejected, *ours}
    return tuple(sorted(everything, key=lambda item: (item.witness, item.reason, item.bad)))


def _best_group(matches: Sequence[Vote], policy: Policy) -> tuple[list[Vote], list[Vote]]:
    """The votes that add up to a quorum, or to the most operators (then the strongest), and the rest."""
    groups: dict[tuple[str, str, str], list[Vote]] = {}
    joining = [item for item in matches if item.inputs is None]
    for item in matches:
        if item.inputs is not None:
            groups.setdefault(item.inputs, []).append(item)
    if not groups:
        return joining, []
    groups = {inputs: [*group, *joining] for inputs, group in groups.items()}
    best = min(
        groups,
        key=lambda key: (
            not _is_quorum(groups[key], policy),
            -_operators(groups[key]),
            -_operators([item for item in groups[key] if item.strong]),
            key,
        ),
    )
    return groups[best], [item for item in matches if item.inputs not in (best, None)]


def _level_of_quorum(agreed: Sequence[Vote], policy: Policy) -> Level | None:
    """The strongest level that a quorum reaches or surpasses; None too where it takes a vote of no level of ours."""
    for position, level in enumerate(LEVELS, 1):
        if _is_quorum([item for item in agreed if item.voice.level in LEVELS[:position]], policy):
            return level
    return None


def _is_quorum(votes: Sequence[Vote], policy: Policy) -> bool:
    return _operators(votes) >= policy.threshold and not _missing(votes, policy)


def _missing(votes: Sequence[Vote], policy: Policy) -> list[str]:
    """What of the independence and diversity that the policy asks for is missing."""
    alone = _operators(item for item in votes if item.voice.independent)
    lacking = [f"{alone} of {policy.independent} independent"] if alone < policy.independent else []
    if not policy.diversity:
        return lacking
    placed = [(item.voice.operator, policy.traits_of(item.voice.witness)) for item in votes]
    found = [(place, needed, spread(placed, place)) for place, needed in policy.diversity]
    return lacking + [
        f"{have} of {needed} different values of {place}" for place, needed, have in found if have < needed
    ]


def _alarm(dissent: Sequence[Vote]) -> Alarm | None:
    """The other payload that the most operators rebuilt, if at least two did."""
    groups: dict[tuple[str, str], set[str]] = {}
    for item in dissent:
        if item.other is not None:
            groups.setdefault(item.other, set()).add(item.voice.operator)
    several = sorted((-len(who), key) for key, who in groups.items() if len(who) > 1)
    if not several:
        return None
    _, (source, payload) = several[0]
    return Alarm(source, payload, tuple(sorted(groups[source, payload])))


def _correlated(agreed: Sequence[Vote]) -> tuple[tuple[str, ...], ...]:
    groups: dict[tuple[str, str], list[Vote]] = {}
    for item in agreed:
        if item.voice.recipe:
            groups.setdefault((item.voice.recipe, item.voice.environment), []).append(item)
    alike = (group for group in groups.values() if _operators(group) > 1)
    return tuple(sorted(tuple(sorted(item.voice.witness for item in group)) for group in alike))


def _of(heard: Iterable[Vote], *stances: str) -> list[Vote]:
    return [item for item in heard if item.stance in stances]


def _operators(items: Iterable[Vote]) -> int:
    return len({item.voice.operator for item in items})


def _voices(items: Iterable[Vote]) -> tuple[Voice, ...]:
    return tuple(item.voice for item in items)


def _because(item: Vote, reason: str) -> Vote:
    return replace(item, voice=replace(item.voice, reason=f"{item.voice.reason}, but {reason}"))


def _expired(artifact: Artifact, policy: Policy, now: datetime) -> str:
    exemption = policy.exemption(artifact.project) if artifact.project else None
    if exemption is None or exemption.holds_on(now.date()):
        return ""
    return f"; its exemption ended on {exemption.expires}"
