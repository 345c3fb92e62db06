"""Which files of a page are offered: what is no wheel by rule, wheels by their verdicts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from witness.errors import Malformed
from witness.evidence import Artifact
from witness.names import SdistName, WheelName
from witness.outcome import Outcome
from witness.policy import Policy
from witness.proxy.listing import Listed
from witness.proxy.modes import Sdists
from witness.report.acceptance import passes, stops_at
from witness.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Rules:
    """`hides` are outcomes, as `check --fail-on` has them; by default as the policy says.

    `report_only` offers everything, and only tells.
    """

    hides: frozenset[str] | None = None
    sdists: Sdists = Sdists.HIDE
    report_only: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether `file` is offered, and why. `verdict` is that of a wheel about which witnesses were asked."""

    file: Listed
    offered: bool
    outcome: Outcome
    reason: str
    verdict: Verdict | None = None

    @property
    def undecided(self) -> bool:
        """Hidden, and a witness that could not be reached might have changed that."""
        silent = self.verdict.silent if self.verdict else ()
        return not self.offered and self.outcome != "divergent" and any(not item.reachable for item in silent)


def artifact_of(file: Listed, project: str) -> Artifact | str:
    """What witnesses can be asked about: a wheel of the normalised `project`; or why they cannot be."""
    if file.flaw:
        return file.flaw
    try:
        name = WheelName.parse(file.filename)
    except Malformed:
        return "an sdist, whose build would run at install time" if _is_sdist(file) else "not a wheel"
    if name.project != project:
        return "a wheel of another project"
    if not file.sha256:
        return "the index tells no sha256 of it"
    return Artifact(file.sha256, file.filename, name.project, str(name.version))


def choose(
    files: Sequence[Listed],
    project: str,
    verdicts: Mapping[Artifact, Verdict],
    *,
    rules: Rules,
    policy: Policy,
    now: datetime,
) -> tuple[Choice, ...]:
    """The choice about each of `files`. `verdicts` has all that `artifact_of` gives for them."""
    exemption = policy.exemption(project)
    exempt = exemption is not None and exemption.holds_on(now.date())
    sdists = rules.sdists is Sdists.OFFER or (rules.sdists is Sdists.EXEMPT and exempt)
    hides, choices = stops_at(rules.hides, policy), []
    for file in files:
        artifact = artifact_of(file, project)
        if isinstance(artifact, str):
            offered = not file.flaw and (rules.report_only or (sdists and _is_sdist_of(file, project)))
            choices.append(Choice(file, offered, "not-applicable", artifact))
        else:
            verdict = verdicts[artifact]
            offered = rules.report_only or passes(verdict, hides)
            choices.append(Choice(file, offered, verdict.outcome, verdict.reason, verdict))
    return tuple(choices)


def _is_sdist(file: Listed) -> bool:
    try:
        SdistName.parse(file.filename)
    except Malformed:
        return False
    return True


def _is_sdist_of(file: Listed, project: str) -> bool:
    return bool(file.sha256) and _is_sdist(file) and SdistName.parse(file.filename).project == project
