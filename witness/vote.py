"""What one observation is worth under a policy: a match, a mismatch, no opinion, or rejected, and in one line why.

Pure. How votes add up is for witness.verdict.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from packaging.specifiers import Specifier

from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.escape import printable
from witness.evidence import Artifact, describe
from witness.independence import Claim, claim_of, inputs_of
from witness.names import WheelName
from witness.observation import Environment, Level, Observation, format_time
from witness.ossrebuild.rebuild import VerifiedRebuild
from witness.policy import Policy
from witness.verification import VerifiedObservation

FUTURE: Final = timedelta(days=1)  # clocks disagree by minutes; a day is a wrong clock or a lie
_UNCOUNTED: Final = "its agreement does not count here: the project names other witnesses"


@dataclass(frozen=True, slots=True)
class Voice:
    """One witness's part in a verdict, and in one line why.

    `recipe` and `environment` are digests of what it was built by and in, empty where nothing was built, or where it is
    not known. Who has no log has no `log_index`, and `level` is None for what is of no level of ours. `independent`: of
    a match, it was committed to before another operator's could be read.
    """

    witness: str
    operator: str
    reason: str
    filename: str
    log_index: int | None
    level: Level | None = None
    seen: datetime | None = None
    recipe: str = ""
    environment: str = ""
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    """The observation by which a witness is heard, by what it can do.

    `old`: a match that is too old to count. `inputs` are the digests that votes must share to add up: of the sdist, and
    of the published payload and `.dist-info`; None for a vote that names neither, and joins any others. `strong`:
    it was rebuilt, and comes out bitwise or exact. `other` are digests of the sdist and of the rebuilt payload where
    that is not the published one.
    """

    voice: Voice
    stance: Literal["match", "mismatch", "unable", "rejected", "old"]
    inputs: tuple[str, str, str] | None = ("", "", "")
    strong: bool = False
    other: tuple[str, str] | None = None


def cast(
    item: VerifiedObservation, artifact: Artifact, policy: Policy, now: datetime, apart: frozenset[Claim]
) -> Vote:
    """The vote of the observation `item` on `artifact` at `now`. `apart` are the claims that are independent."""
    observation = item.statement.observation
    seen = observation.attempt.finished_at
    voice = Voice(
        witness=item.witness.name,
        operator=item.witness.operator,
        reason=describe(observation),
        filename=item.statement.filename,
        log_index=item.log_index,
        level=observation.level,
        seen=seen,
        recipe=observation.recipe.sha256 if observation.recipe else "",
        environment=_digest(observation.environment),
        independent=claim_of(item) in apart,
    )
    if problem := _unfit(item, artifact, policy, now):
        return Vote(replace(voice, reason=problem), "rejected")
    if observation.result == "mismatch":
        return Vote(voice, "mismatch", other=_other(observation))
    if observation.result != "match":
        return Vote(voice, "unable")
    if problem := _weak(item, policy):
        return Vote(replace(voice, reason=problem), "rejected")
    inputs, comparison = inputs_of(observation), observation.comparison
    if inputs is None or comparison is None:
        return Vote(replace(voice, reason="does not name the sdist that it was built from"), "rejected")
    if artifact.digests not in (None, inputs[1:]):
        return Vote(
            replace(voice, reason="names digests that are not those of what the file holds"), "rejected"
        )
    strong = observation.method == "rebuild" and comparison.archive_exact
    if now - seen > timedelta(days=policy.max_age_days):
        problem = f"{describe(observation)}, but older than {policy.max_age_days} days"
        return Vote(replace(voice, reason=problem), "old", inputs, strong)
    return Vote(voice, "match", inputs, strong)


def cast_rebuild(item: VerifiedRebuild, artifact: Artifact, policy: Policy, now: datetime) -> Vote:
    """The vote of OSS Rebuild's attestation `item` on `artifact` at `now`.

    It is of the very file, by its digest, and so needs no digests of members to add up with others. What it was built
    from is not the sdist: that this counts all the same is what the policy says by naming the service.
    """
    service = item.service
    voice = Voice(
        witness=service.name,
        operator=service.operator,
        reason=item.text,
        filename=item.filename,
        log_index=None,
        level="bitwise" if item.level == "bitwise" else None,
        seen=item.finished_at,
    )
    trusted = next((trusted for trusted in policy.services if trusted.identity == service), None)
    problem = ""
    if trusted is None:
        problem = "not a witness of this policy"
    elif item.sha256 != artifact.sha256:
        problem = "about another file"
    elif not _named(item.filename, artifact):
        problem = f"about the same bytes under another name: {printable(item.filename)}"
    elif item.finished_at - now > FUTURE:
        problem = f"dated in the future: {format_time(item.finished_at)}"
    elif policy.agreeing is not None and service.name not in policy.agreeing:
        problem = _UNCOUNTED
    elif item.level not in trusted.accept:
        problem = f"{item.text}, which the policy does not accept of it"
    if problem:
        return Vote(replace(voice, reason=problem), "rejected")
    strong = item.level == "bitwise"
    if now - item.finished_at > timedelta(days=policy.max_age_days):
        problem = f"{item.text}, but older than {policy.max_age_days} days"
        return Vote(replace(voice, reason=problem), "old", None, strong)
    return Vote(voice, "match", None, strong)


def _unfit(item: VerifiedObservation, artifact: Artifact, policy: Policy, now: datetime) -> str:
    """Why an observation, of whatever result, is no evidence here."""
    statement = item.statement
    if not any(item.witness == witness.identity for witness in policy.witnesses):
        return "not a witness of this policy"
    if statement.sha256 != artifact.sha256:
        return "about another file"
    if not _named(statement.filename, artifact):
        return f"about the same bytes under another name: {printable(statement.filename)}"
    if statement.observation.attempt.finished_at - now > FUTURE:
        return f"dated in the future: {format_time(statement.observation.attempt.finished_at)}"
    comparison = statement.observation.comparison
    told = comparison.record_digest if comparison else None
    if statement.observation.result == "match" and artifact.record not in (None, told):
        return "about a file that holds other than what is installed"
    compared = statement.observation.result in ("match", "mismatch")
    if compared and statement.observation.method == "static" and "static" not in policy.accept:
        return "a static check, which the policy does not accept"
    return ""


def _named(filename: str, artifact: Artifact) -> bool:
    """Whether the file that a witness saw is what the consumer calls it, as far as he calls it anything."""
    if artifact.filename is not None:
        return filename == artifact.filename
    return artifact.project is None or _is_of(filename, artifact.project, artifact.version)


# Several witnesses saw the same file.
@lru_cache(maxsize=64)
def _is_of(filename: str, project: str, version: str | None) -> bool:
    try:
        name = WheelName.parse(filename)
    except Malformed:
        return False
    if name.project != project:
        return False
    # As installers match it: 1.0 stands for 1.0.0 and for 1.0+local.
    return version is None or Specifier(f"=={version}").contains(name.version, prereleases=True)


def _weak(item: VerifiedObservation, policy: Policy) -> str:
    """Why a match does not meet the policy."""
    if policy.agreeing is not None and item.witness.name not in policy.agreeing:
        return _UNCOUNTED
    level = item.statement.observation.level
    if level not in policy.accept:
        return f"equal at level {level}, which the policy does not accept"
    attempts = item.statement.observation.attempt.count
    if policy.max_attempts is not None and attempts > policy.max_attempts:
        return f"equal after {attempts} attempts, and the policy accepts {policy.max_attempts}"
    others = item.cosigned_by - {item.witness.operator}
    if policy.is_cosigned(others):
        return ""
    if policy.quorum is None:
        return f"{len(others)} of {policy.cosigners} cosigners"
    return printable(f"{len(others)} cosigners, and not the quorum {policy.quorum.quorum!r}")


def _other(observation: Observation) -> tuple[str, str] | None:
    comparison, source = observation.comparison, observation.source
    if comparison is None or source is None or observation.method != "rebuild":
        return None
    published, rebuilt = comparison.published, comparison.rebuilt
    if published is None or rebuilt is None or published.payload_digest == rebuilt.payload_digest:
        return None
    return source.digest.sha256, rebuilt.payload_digest


def _digest(environment: Environment | None) -> str:
    return "" if environment is None else sha256_hex(environment.canonical())
