"""What each outcome means, how much it weighs, and what to do next: one table, which every format reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from witness.outcome import BAD_SIGNATURE
from witness.report.model import Row

Weight = Literal["against", "missing", "unclear", "fine"]


@dataclass(frozen=True, slots=True)
class Guidance:
    """Of one outcome: one sentence on what it is, one on what to do, and the command that tells more, if one does."""

    weight: Weight
    means: str
    todo: str
    command: Literal["diff", "show", ""] = ""


GUIDANCE: Final[Mapping[str, Guidance]] = {
    "divergent": Guidance(
        "against",
        "Trusted operators rebuilt it from its sdist and got something else.",
        "do not install it before you know why",
        "diff",
    ),
    "disputed": Guidance(
        "against",
        "Enough trusted operators could rebuild it, and others got something else.",
        "compare the witnesses' environments before you decide",
        "diff",
    ),
    BAD_SIGNATURE: Guidance(
        "against",
        "Something that was served in a witness's name fails verification.",
        "tell the witness's operator; what fails verification was altered, or is not from that witness",
        "show",
    ),
    "insufficient": Guidance(
        "missing",
        "Fewer operators than the policy asks for could rebuild it.",
        "wait for more witnesses, trust more of them, or lower the policy's threshold knowingly",
        "show",
    ),
    "stale": Guidance(
        "missing",
        "Enough operators could rebuild it once, but too long ago.",
        "ask the witnesses to look again, or raise max-age-days in the policy",
        "show",
    ),
    "unbuildable": Guidance(
        "missing",
        "Witnesses tried, and could not build it.",
        "not a sign of tampering; look up why it could not be built",
        "show",
    ),
    "unattempted": Guidance(
        "missing", "Every witness answered, and none has looked at it.", "ask the witnesses to look at it"
    ),
    "error": Guidance(
        "unclear",
        "It could not be checked.",
        "try again; if it stays so, look at the network and at the addresses in the policy",
    ),
    "equivalent": Guidance(
        "fine", "Enough operators could rebuild it, but for what named rules allow.", "nothing"
    ),
    "reproduced": Guidance("fine", "Enough operators could rebuild it exactly.", "nothing"),
    "exempt": Guidance("fine", "The policy exempts the project; nobody was asked.", "nothing"),
    "not-applicable": Guidance(
        "fine", "Not a published wheel, so that no witness could know it.", "judge it by other means"
    ),
}
_TRY_AGAIN: Final = "try again when the witness that is silent can be reached"
_MEND: Final = "mend the entry; what is not pinned by digest cannot be looked up"


def guidance(row: Row) -> Guidance:
    """Of what weighs most about `row`."""
    return GUIDANCE[BAD_SIGNATURE if row.bad_signature else row.outcome]


def todo(row: Row) -> str:
    """What to do about `row`, in one line without a command; nothing where nothing is to be done."""
    found = guidance(row)
    if found.weight == "fine":
        return ""
    if row.unusable:
        return _MEND
    silent = row.verdict.silent if row.verdict else ()
    unheard = row.outcome == "insufficient" and any(not item.reachable for item in silent)
    return _TRY_AGAIN if unheard and not row.bad_signature else found.todo


def more(row: Row) -> str:
    """The command that tells more about `row`, if there is one."""
    command = guidance(row).command
    return f"wheelwitness {command} sha256:{row.sha256}" if command and row.sha256 else ""
