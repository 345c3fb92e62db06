"""From a report to the observation that a node signs: what was seen, and nothing of the node's own affairs."""

from datetime import datetime
from typing import Final

from rebuilders.checking import StaticReport
from rebuilders.inputs import Target
from rebuilders.pipeline import Attempt, Report
from rebuilders.plan.recipe import Plan, Recipe
from rebuilders.result import result_of
from witness import __version__
from witness.errors import Incomplete
from witness.names import WheelName, purl
from witness.observation import (
    Attempt as Attempted,
)
from witness.observation import (
    Builder,
    DigestSet,
    Environment,
    Failure,
    Method,
    Observation,
    Published,
    Requirement,
    Resource,
    Tool,
)
from witness.statement import Statement

_MAX_DETAIL: Final = 300
_TOLD: Final = frozenset({"build", "hook", "output"})  # phases whose message holds nothing of the node itself


def observe(
    report: Report,
    *,
    builder: str,
    isolation: str,
    started: datetime,
    finished: datetime,
    previous: int | None,
) -> Statement:
    """The statement about `report.target`, made by the node `builder`.

    Raises:
        Incomplete: the published file could not be had, so that there is nothing to make a statement about.
    """
    target, best = report.target, report.best
    if target is None:
        raise Incomplete("no published file, no observation")
    ran = report.tries > 0
    observation = Observation(
        purl=purl(target.name.project, str(target.name.version), target.name.filename),
        method="rebuild",
        result=result_of(report),  # type: ignore[arg-type] # one of its four words
        level=best.outcome.level if best else None,
        comparison=best.outcome.comparison if best else None,
        source=_resource(target.sdist.filename, target.sdist.sha256) if target.sdist else None,
        published=_published(target),
        rebuilt=_resource(best.built.filename, best.sha256) if best else None,
        recipe=DigestSet(sha256=best.recipe.digest) if best else None,
        environment=_environment(best.recipe, report.plan) if best else None,
        isolation=isolation if ran else None,
        builder=Builder(name=builder, tool=Tool(name="wheelwitness", version=__version__)),
        attempt=Attempted(
            count=report.tries, outputs=report.outputs, started_at=started, finished_at=finished
        ),
        failure=_failure(report, best),
        previous=previous,
    )
    return Statement(target.name.filename, target.sha256, observation)


def observe_static(
    report: StaticReport, *, builder: str, started: datetime, finished: datetime, previous: int | None
) -> Statement:
    """The statement of a static check by the node `builder`. Nothing was run: no recipe, environment or isolation.

    Raises:
        Incomplete: the published file could not be had, so that there is nothing to make a statement about.
    """
    target, checked = report.target, report.checked
    if target is None:
        raise Incomplete("no published file, no observation")
    compared = checked is not None and checked.comparison is not None
    failure = report.failure
    observation = Observation(
        purl=purl(target.name.project, str(target.name.version), target.name.filename),
        method="static",
        result=checked.result if checked else "not-attempted",
        level=checked.level if checked else None,
        comparison=checked.comparison if checked else None,
        source=_resource(target.sdist.filename, target.sdist.sha256) if target.sdist else None,
        published=_published(target),
        builder=Builder(name=builder, tool=Tool(name="wheelwitness", version=__version__)),
        attempt=Attempted(count=0, started_at=started, finished_at=finished),
        failure=None if compared or failure is None else Failure(phase=failure.phase, cause=failure.cause),
        previous=previous,
    )
    return Statement(target.name.filename, target.sha256, observation)


def observe_absent(
    name: WheelName,
    sha256: str,
    published: Published,
    *,
    cause: str,
    method: Method,
    builder: str,
    at: datetime,
    previous: int | None,
) -> Statement:
    """The statement that the index lists the file no more, which it did when `published` was seen of it.

    There is nothing to compare, so it takes back nothing that was observed before (witness.evidence.newest).
    """
    observation = Observation(
        purl=purl(name.project, str(name.version), name.filename),
        method=method,
        result="not-attempted",
        published=published,
        builder=Builder(name=builder, tool=Tool(name="wheelwitness", version=__version__)),
        attempt=Attempted(count=0, started_at=at, finished_at=at),
        failure=Failure(phase="locate", cause=cause),
        previous=previous,
    )
    return Statement(name.filename, sha256, observation)


def _published(target: Target) -> Published:
    return Published(
        size=len(target.data),
        upload_time=target.uploaded,
        index_serial=target.serial,
        yanked=target.yanked,
    )


def _resource(name: str, sha256: str) -> Resource:
    return Resource(name=name, digest=DigestSet(sha256=sha256))


def _environment(recipe: Recipe, plan: Plan | None) -> Environment:
    known = {"definition": plan.definition.because} if plan and plan.definition else {}
    return Environment(
        interpreter=recipe.interpreter,
        platform=recipe.platform,
        requirements=tuple(
            Requirement(
                name=item.name,
                version=item.version,
                sha256=item.sha256,
                built_from=DigestSet(sha256=item.source) if item.source else None,
            )
            for item in recipe.requirements
        ),
        variables={**recipe.variables, **_unusual(recipe), **known, "umask": f"{recipe.umask:03o}"},
    )


def _unusual(recipe: Recipe) -> dict[str, str]:
    """What of the recipe is not the rule; in lower case, unlike variables."""
    told = {"frontend": recipe.frontend, "options": " ".join(recipe.options), "modes": recipe.modes}
    usual = {"frontend": "pep517", "options": "", "modes": "archive"}
    lines = {"line-ends": recipe.line_ends} if recipe.line_ends != "lf" else {}
    return {**{name: value for name, value in told.items() if value != usual[name]}, **lines}


def _failure(report: Report, best: Attempt | None) -> Failure | None:
    if best is not None or report.failure is None:
        return None
    failure = report.failure
    detail = str(failure)[:_MAX_DETAIL] if failure.phase in _TOLD else ""
    return Failure(phase=failure.phase, cause=failure.cause, detail=detail)
