"""One file in full, for people: every observation of it, older ones too, and how each was made."""

from collections.abc import Iterator

from witness.commitment import Committed
from witness.escape import printable
from witness.evidence import AsOf, Evidence, describe
from witness.observation import Comparison, Environment, Observation, format_time
from witness.outcome import BAD_SIGNATURE
from witness.report.guidance import GUIDANCE
from witness.report.text import snapshot_lines, verdict_lines
from witness.verdict import Verdict
from witness.verification import VerifiedObservation


def render(verdict: Verdict, evidence: Evidence, as_of: tuple[AsOf, ...] = ()) -> str:
    """The whole text, with a line feed at its end."""
    lines = [
        f"{printable(verdict.filename or 'a file without a known name')}: {verdict.outcome}"
        + (f", level {verdict.level}" if verdict.level else ""),
        f"  sha256:{verdict.artifact.sha256}",
        f"  {printable(verdict.reason)}",
        *verdict_lines(verdict),
        *(
            f"  note: built alike, by one recipe in equal environments: {printable(', '.join(names))}"
            for names in verdict.correlated
        ),
        *_next_step(verdict),
    ]
    newest_first = sorted(evidence.observations, key=lambda item: (item.witness.name, -item.log_index))
    for item in newest_first:
        lines += ["", *_observation(item)]
    for rebuild in sorted(evidence.rebuilds, key=lambda item: (item.service.name, item.finished_at)):
        lines += ["", f"{printable(rebuild.service.name)} ({printable(rebuild.service.operator)}), no log"]
        lines += [_field(name, value) for name, value in rebuild.details]
    lines += snapshot_lines(as_of)
    return "\n".join(lines) + "\n"


def _next_step(verdict: Verdict) -> Iterator[str]:
    found = GUIDANCE[BAD_SIGNATURE if verdict.bad_signature else verdict.outcome]
    if found.weight != "fine":
        yield f"  what to do: {found.todo}"
    if found.command == "diff":
        yield f"  more: wheelwitness diff sha256:{verdict.artifact.sha256}"


def _observation(item: VerifiedObservation) -> Iterator[str]:
    observation = item.statement.observation
    yield f"{printable(item.witness.name)} ({printable(item.witness.operator)}), log index {item.log_index}"
    yield _field("says", describe(observation))
    yield _field("about", item.statement.filename)
    yield _field("seen", format_time(observation.attempt.finished_at))
    if observation.source is not None:
        yield _field("source", f"{observation.source.name} sha256:{observation.source.digest.sha256}")
    yield from _build(observation)
    if observation.comparison is not None:
        yield from _comparison(observation.comparison)
    if observation.failure is not None and observation.failure.detail:
        yield _field("detail", observation.failure.detail)
    cosigned = ", ".join(sorted(item.cosigned_by)) or "nobody else"
    checked = f" at {format_time(item.checkpoint_time)}" if item.checkpoint_time else ""
    yield _field("cosigned", f"by {cosigned}{checked}, tree size {item.checkpoint.size}")
    if item.committed is not None:
        yield _field("committed", _committed(item.committed))
    yield _field("signer", item.signer)


def _committed(committed: Committed) -> str:
    seen = ", ".join(f"{operator} at {format_time(at)}" for operator, at in committed.cosigned)
    broken = "; the promise was broken" if committed.early else ""
    return (
        f"at log index {committed.log_index}, cosigned by {seen or 'nobody else'}; "
        f"to be revealed from {format_time(committed.not_before)}{broken}"
    )


def _build(observation: Observation) -> Iterator[str]:
    if observation.rebuilt is not None:
        yield _field("rebuilt", f"sha256:{observation.rebuilt.digest.sha256}")
    if observation.recipe is not None:
        yield _field("recipe", f"sha256:{observation.recipe.sha256}")
    if observation.environment is not None:
        yield from _environment(observation.environment)
    if observation.isolation is not None:
        yield _field("isolation", observation.isolation)
    tool, attempt = observation.builder.tool, observation.attempt
    yield _field("builder", f"{observation.builder.name}, {tool.name} {tool.version}")
    yield _field("attempts", f"{attempt.count}, with {len(attempt.outputs)} distinct outputs")


def _environment(environment: Environment) -> Iterator[str]:
    yield _field("interpreter", f"{environment.interpreter} on {environment.platform}")
    for requirement in environment.requirements:
        yield _field("requires", f"{requirement.name}=={requirement.version} sha256:{requirement.sha256}")
    for name, value in sorted(environment.variables.items()):
        yield _field("variable", f"{name}={value}")


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield _field("rule set", comparison.rule_set)
    for rule in comparison.rules:
        yield _field("rule", f"{rule.id} on {rule.path}: {rule.published!r} became {rule.rebuilt!r}")
    for difference in comparison.differences:
        yield _field("differs", f"{difference.path or 'the archive'}: {difference.kind}")
    if (more := comparison.differences_total - len(comparison.differences)) > 0:
        yield _field("differs", f"and {more} more")
    for finding in comparison.findings or ():
        yield _field("finding", f"{finding.path or 'the archive'}: {finding.kind}")
    if (more := (comparison.findings_total or 0) - len(comparison.findings or ())) > 0:
        yield _field("finding", f"and {more} more")
    if comparison.published is not None:
        yield _field("payload", f"published sha256:{comparison.published.payload_digest}")
    if comparison.rebuilt is not None:
        yield _field("payload", f"rebuilt sha256:{comparison.rebuilt.payload_digest}")


def _field(name: str, value: str) -> str:
    return f"  {name + ':':<13}{printable(value)}"
