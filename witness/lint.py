"""What is unwise in a policy that can be used. Pure: a rule is a row, and says what it is about and what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from witness.outcome import AGAINST, BAD_SIGNATURE
from witness.policy import Policy

SOON_DAYS: Final = 30
_LONG_DAYS: Final = 730
_LOOSE: Final = ("content", "static")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Advice:
    """The key that it is about, what is unwise, and what would be wiser."""

    key: str
    problem: str
    advice: str


def lint(policy: Policy, today: date) -> tuple[Advice, ...]:
    """Everything that is unwise in `policy` on `today`, in the order of the rules."""
    return tuple(advice for rule in RULES for advice in rule(policy, today))


def _threshold(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    if policy.threshold == 1:
        yield Advice("threshold", "one operator alone decides", "ask for two, and trust three")
    elif policy.threshold == len(policy.operators):
        problem = f"all {policy.threshold} operators are needed: when one is silent, nothing passes"
        yield Advice("threshold", problem, "trust one operator more than it takes")


def _veto(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    if policy.veto > 1:
        problem = f"{policy.veto} operators must find a difference before it counts against a file"
        yield Advice("veto", problem, "set it to 1, and look into what is disputed")


def _accept(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    for level in _LOOSE:
        if level in policy.accept:
            what = (
                "payloads that differ by named rules" if level == "content" else "checks that build nothing"
            )
            yield Advice("accept", f"{level!r} counts {what}", "leave it out where you can")


def _age(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    if policy.max_age_days > _LONG_DAYS:
        problem = f"matches count for {policy.max_age_days} days"
        yield Advice("max-age-days", problem, "a year or so: then a recipe must still work")


def _cosigners(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    if policy.cosigners == 0 and policy.quorum is None:
        problem = "nobody vouches that you see the same logs as others"
        yield Advice("cosigners", problem, "set it to 1 once your witnesses cosign each other")


def _places(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    hosts = [dict(witness.traits).get("hosting") for witness in policy.witnesses]
    named = {host for host in hosts if host is not None}
    if len(policy.witnesses) > 1 and None not in hosts and len(named) == 1:
        problem = "every witness is hosted by one company, which could make all of them agree"
        yield Advice("hosting", problem, "trust one that is hosted elsewhere")
    elif len(policy.witnesses) > 1 and not named:
        problem = "where the witnesses run is not said: they may all be on one machine"
        yield Advice("hosting", problem, "say it in [[witness]], as you know it, and ask for [diversity]")
    elif len(named) > 1 and not policy.diversity:
        problem = "the witnesses are in different places, and agreement from one of them is enough"
        yield Advice("diversity", problem, "add [diversity] with hosting = 2")


def _addresses(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    for number, witness in enumerate(policy.witnesses, 1):
        parts = urlsplit(witness.url)
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            problem = "anybody on the way sees what you ask, and can leave answers out"
            yield Advice(f"witness[{number}].url", problem, "use https")


def _fail_on(policy: Policy, today: date) -> Iterator[Advice]:
    del today
    if policy.fail_on is None:
        return
    missing = sorted({*AGAINST, BAD_SIGNATURE} - policy.fail_on)
    if missing:
        problem = f"evidence against a file passes: {', '.join(missing)}"
        yield Advice("fail-on", problem, "add them; use a baseline for what you have looked into")


def _exemptions(policy: Policy, today: date) -> Iterator[Advice]:
    for number, item in enumerate(policy.exemptions, 1):
        left = (item.expires - today).days
        if left < 0:
            yield Advice(f"exempt[{number}]", f"{item.package}: ended on {item.expires}", "remove it")
        elif left <= SOON_DAYS:
            problem = f"{item.package}: ends on {item.expires}"
            yield Advice(f"exempt[{number}]", problem, "find witnesses for it, or look at its reason again")


RULES: Final[tuple[Callable[[Policy, date], Iterator[Advice]], ...]] = (
    _threshold,
    _veto,
    _accept,
    _age,
    _cosigners,
    _places,
    _addresses,
    _fail_on,
    _exemptions,
)
