"""The static check: every member of a wheel, and whether it follows from the sdist without a build.

`match` says that each member follows, by a named rule; `mismatch` that the wheel contradicts its sdist, which no
build can mend; `not-attempted` that something is open. An open member is no accusation: a module that is generated
when a wheel is built is open, too. See docs/explanation/static.md and docs/adr/0022-static-check.md.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from rebuilders.facts.sdist import Sdist
from rebuilders.static.copying import only_copies
from rebuilders.static.declared import declared
from rebuilders.static.dist_info import (
    COPIED,
    NAMESPACE,
    RULES,
    SCRIPT,
    Pair,
    Shown,
    examined,
    namespace_files,
)
from rebuilders.static.metadata import contradicts
from rebuilders.static.namespaces import declared_namespaces
from rebuilders.static.places import Files, Open, Placed, place
from rebuilders.static.sources import Sources
from witness.compare.rules.catalogue import rule_set_id
from witness.digest import sha256_hex
from witness.names import WheelName
from witness.observation import Comparison, Difference, Digests, Level, RuleUse
from witness.wheel.manifest import Member, dist_info_digest, payload_digest
from witness.wheel.reader import Wheel

LEVEL: Final[Level] = "metadata"
MAX_LISTED: Final = 200
_MAX_SHOWN: Final = 300
_MAX_TEXT: Final = 16 * 1024 * 1024

Result = Literal["match", "mismatch", "not-attempted"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a static check.

    `rules` are those by which members follow, `open` the members that do not, `foreign` those of them whose bytes no
    file of the sdist has. `differences` are the contradictions of a mismatch. `comparison` is there for a match or
    mismatch.
    """

    result: Result
    rules: tuple[RuleUse, ...]
    open: tuple[Open, ...]
    differences: tuple[Difference, ...]
    comparison: Comparison | None
    members: int

    @property
    def level(self) -> Level | None:
        return LEVEL if self.result == "match" else None

    @property
    def foreign(self) -> frozenset[str]:
        return frozenset(item.path for item in self.open if item.foreign)


def check(wheel: Wheel, name: WheelName, sdist: Sdist) -> Checked:
    """Checks the published `wheel` against its release's `sdist`. Raises Malformed if a member of either is damaged."""
    files, sources = Files(sdist), Sources(sdist, name.project)
    pair = Pair(wheel, name, files, sources, declared(sources))
    prefixes = (f"{wheel.dist_info}/", f"{wheel.dist_info.removesuffix('.dist-info')}.data/")
    payload = {path: member for path, member in wheel.members.items() if not path.startswith(prefixes)}
    shown = list(namespace_files(pair))
    for item in shown:
        del payload[item.path]
    placed = place(payload, files, pair.declared, name.project)
    if shown:  # then setuptools leaves the packages' own modules out, as the file takes their part
        without = {f"{space.replace('.', '/')}/__init__.py" for space in declared_namespaces(sources)}
        left_out = {item for item in placed.open if item.reason == "left-out" and item.path in without}
        placed = replace(placed, open=tuple(item for item in placed.open if item not in left_out))
    found = tuple(examined(pair))
    shown += [item for item in found if isinstance(item, Shown)]
    ambiguous = (Open(finding.path, f"published-{finding.kind}") for finding in wheel.findings)
    left = (*ambiguous, *placed.open, *(item for item in found if isinstance(item, Open)))
    differences = _contradictions(pair, payload, left)
    result: Result = "mismatch" if differences else "not-attempted" if left else "match"
    rules = tuple(_uses(wheel, placed, shown))
    comparison = None
    if result != "not-attempted":
        comparison = _comparison(pair, placed, shown, rules if result == "match" else (), differences)
    return Checked(result, rules, left, differences, comparison, len(wheel.members))


def static_rule_set_id() -> str:
    """The name of all that affects a static check's result: these rules, and those of a comparison."""
    ids = sorted({COPIED, NAMESPACE, SCRIPT, *(rule.id for rule in RULES)})
    return "static/1:" + sha256_hex("\n".join((rule_set_id(), *ids)).encode())[:16]


def _contradictions(pair: Pair, payload: dict[str, Member], left: tuple[Open, ...]) -> tuple[Difference, ...]:
    """What no build of this sdist can have made."""
    found: list[Difference] = []
    foreign = [
        item
        for item in left
        if item.foreign and item.path in payload and not _may_be_of_windows(pair.wheel, item.path)
    ]
    if foreign and only_copies(pair.sources.sdist.facts):
        kinds = {"other-content": "content"}
        found += [
            Difference(path=_cut(item.path), kind=kinds.get(item.reason, "only-in-published"))
            for item in foreign
        ]
    path = f"{pair.wheel.dist_info}/METADATA"
    if any(item.path == path and item.reason == "not-as-pkg-info-says" for item in left) and contradicts(
        pair.text("METADATA"), pair.sources
    ):
        found.append(Difference(path=path, kind="content"))
    return tuple(found)


def _may_be_of_windows(wheel: Wheel, path: str) -> bool:
    """Whether the bytes might be those of the sdist but for line ends, as a checkout on Windows has them."""
    return wheel.members[path].size > _MAX_TEXT or b"\r\n" in wheel.read(path)


def _uses(wheel: Wheel, placed: Placed, shown: list[Shown]) -> list[RuleUse]:
    """One entry a rule: for a single member its path, digest and source, for several their number."""
    by_rule: dict[str, list[tuple[str, str]]] = {}
    for path, source in placed.places.items():
        by_rule.setdefault(COPIED, []).append((path, source))
    for item in shown:
        by_rule.setdefault(item.rule, []).append((item.path, item.source))
    uses = []
    for rule, rows in sorted(by_rule.items()):
        path, theirs = rows[0]
        ours = f"sha256:{wheel.members[path].sha256}"
        if len(rows) > 1:
            path, ours, theirs = "", f"{len(rows)} members", "the same files of the sdist"
            if rule == COPIED and (roots := [root or "its top" for root in placed.roots]):
                theirs = f"the sdist, below {', '.join(roots)}"
        uses.append(RuleUse(id=rule, path=_cut(path), published=_cut(ours), rebuilt=_cut(theirs)))
    return uses


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _comparison(
    pair: Pair,
    placed: Placed,
    shown: list[Shown],
    rules: tuple[RuleUse, ...],
    differences: tuple[Difference, ...],
) -> Comparison:
    """The other side's digests are over what follows from the sdist: for a match, everything."""
    wheel = pair.wheel
    published = Digests(payload_digest=wheel.payload_digest, dist_info_digest=wheel.dist_info_digest)
    following = {*placed.places, *(item.path for item in shown)}
    members = [member for path, member in wheel.members.items() if path in following]
    return Comparison(
        rule_set=static_rule_set_id(),
        rules=rules,
        archive_exact=False,
        published=published,
        rebuilt=published
        if len(members) == len(wheel.members)
        else Digests(
            payload_digest=payload_digest(members, wheel.dist_info),
            dist_info_digest=dist_info_digest(members, wheel.dist_info),
        ),
        record_digest=wheel.record_digest,
        differences=differences[:MAX_LISTED],
        differences_total=len(differences),
    )
