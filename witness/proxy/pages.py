"""From an index's page to the page that is offered: asked, judged, filtered, kept for a while.

Nothing goes out that was not judged: whatever is missing for that is an exception, and never an unfiltered page.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.escape import printable
from witness.evidence import Artifact
from witness.limits import MIB
from witness.proxy.choice import Choice, Rules, artifact_of, choose
from witness.proxy.judge import Judge
from witness.proxy.keeping import Kept
from witness.proxy.listing import Linker, Listed, ListedPage
from witness.proxy.modes import Files
from witness.proxy.negotiation import HTML, JSON, is_json
from witness.proxy.upstream import Upstream

_ROOM: Final = 128 * MIB  # of offered pages
_PER_CHOICE: Final = 2048  # bytes, about, that a choice with its verdict takes
_SHOWN: Final = 20  # hidden files that a page in HTML tells of


class Unheard(Incomplete):
    """Witnesses could not be reached, and without them nothing can be offered."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A page that may be shown until `until` on the monotonic clock. `kind` is JSON or HTML, `policy` a digest."""

    project: str
    kind: str
    body: bytes
    etag: str
    choices: tuple[Choice, ...]
    policy: str
    until: float
    serial: str = ""

    @property
    def offered(self) -> tuple[Choice, ...]:
        """What the page has."""
        return tuple(choice for choice in self.choices if choice.offered)

    @property
    def hidden(self) -> tuple[Choice, ...]:
        """What the index has besides."""
        return tuple(choice for choice in self.choices if not choice.offered)


class Pages:
    """Args:
    seconds: how long a page may be shown before everything is asked anew.
    made: told of every page that was made anew, from any thread.
    """

    def __init__(
        self,
        upstream: Upstream,
        judge: Judge,
        rules: Rules,
        files: Files,
        *,
        seconds: float,
        made: Callable[[Offer], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._upstream, self._judge, self._rules, self._files = upstream, judge, rules, files
        self._seconds, self._made, self._clock, self._today = seconds, made, clock, today
        self._kept: Kept[tuple[str, bool], Offer] = Kept(_ROOM)

    def known(self, project: str, kind: str) -> Offer | None:
        """The offer for `project` in the form of `kind`, if there is one that may still be shown.

        Raises:
            InputError: the policy cannot be read.
        """
        found = self._kept.get((project, is_json(kind)))
        if found is None or self._clock() >= found.until:
            return None
        return found if found.policy == self._judge.policy().digest else None

    def make(self, project: str, kind: str) -> Offer:
        """The offer, made anew.

        Raises:
            NotFound, FetchFailed: the index has no such project; gives no page.
            InputError, Incomplete: the policy or a snapshot cannot be read; witnesses cannot be asked.
        """
        started = self._clock()
        listed = self._upstream.page(project, kind)
        asked = (artifact_of(file, project) for file in listed.page.files)
        judged = self._judge.judge([item for item in asked if isinstance(item, Artifact)])
        policy = judged.loaded.policy
        choices = choose(
            listed.page.files, project, judged.verdicts, rules=self._rules, policy=policy, now=self._today()
        )
        if not self._rules.report_only:
            _check_heard(choices, project)
        made, body = self._render(project, kind, listed.page, choices)
        offer = Offer(
            project=project,
            kind=made,
            body=body,
            etag=f'"{sha256_hex(body)[:32]}"',
            choices=choices,
            policy=judged.loaded.digest,
            until=min(judged.until, started + self._seconds),
            serial=listed.serial,
        )
        self._kept.put((project, is_json(kind)), offer, len(body) + _PER_CHOICE * len(choices))
        self._made(offer)
        return offer

    def _render(
        self, project: str, kind: str, page: ListedPage, choices: tuple[Choice, ...]
    ) -> tuple[str, bytes]:
        """The form that it has, and the page. A page that was served in HTML is none in JSON."""
        kept = [choice.offered for choice in choices]
        link = _direct if self._files is Files.DIRECT else _through(project)
        if is_json(kind):
            about: dict[str, object] = {
                "offered": sum(kept),
                "hidden": len(kept) - sum(kept),
                "explain": f"../../explain/{project}",
            }
            if (body := page.as_json(kept, link, about)) is not None:
                return JSON, body
        return HTML, page.as_html(kept, link, list(_notes(project, choices)))


def _direct(file: Listed) -> str:
    return file.url


def _through(project: str) -> Linker:
    return lambda file: f"../../files/{project}/{quote(file.filename)}"


def _notes(project: str, choices: tuple[Choice, ...]) -> Iterator[str]:
    hidden = [choice for choice in choices if not choice.offered]
    if not hidden:
        return
    yield f"{len(hidden)} of {len(choices)} files are hidden; /explain/{project} says why."
    for choice in hidden[-_SHOWN:]:
        yield f"{printable(choice.file.filename, limit=200)}: {choice.outcome}: {printable(choice.reason)}"


def _check_heard(choices: tuple[Choice, ...], project: str) -> None:
    """Raises Unheard where silence would look like an answer: a client would take an older file, or find none."""
    asked = [choice for choice in choices if choice.verdict is not None]
    nobody = any(choice.outcome == "error" for choice in asked)
    nothing = not any(choice.offered for choice in choices) and any(choice.undecided for choice in asked)
    if nobody or nothing:
        silent = {
            item.witness
            for choice in asked
            for item in (choice.verdict.silent if choice.verdict else ())
            if not item.reachable
        }
        names = printable(", ".join(sorted(silent)))
        raise Unheard(
            f"{project}: witnesses that the policy needs could not be reached: {names}",
            hint="Try again; if it stays so, look at the network, the addresses in the policy, or the snapshot's age.",
        )
