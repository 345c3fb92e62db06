"""What is on each page, from the generator's memory and from the entries of logs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from rebuilders.site import charts, listing, paths, state
from rebuilders.site.badges import Badge
from rebuilders.site.feeds import Entry, Feed
from rebuilders.site.listing import Names
from rebuilders.site.names import is_leaf
from rebuilders.site.render import Renderer, rfc3339, typed
from rebuilders.site.schema import PROJECTS
from rebuilders.site.seen import Seen, version_of
from rebuilders.site.standing import STATES, Standing, newest
from rebuilders.site.voices import About, Voice
from rebuilders.site.words import words_for

_NEWEST: Final = 15  # observations on the front page
_FEW: Final = 5  # regressions and disagreements there
_LISTED: Final = 500  # of them on their own pages
_FED: Final = 100  # in a feed
_EARLIER: Final = 100  # observations of a file that are listed
_BUILT: Final = ("match", "mismatch", "disputed")


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the site."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Book:
    """Makes the pages of one site."""

    about: About
    render: Renderer

    def file(
        self, rows: Sequence[Seen], stands: Standing, project: str, voices: Sequence[Voice]
    ) -> list[Page]:
        """Everything of one file. `rows` are all observations of it, `stands` is what they come to."""
        last = newest(rows)
        shown = {(row.source, row.index) for row in last}
        earlier = sorted(
            (row for row in rows if (row.source, row.index) not in shown), key=lambda row: -row.finished
        )
        path = paths.file_page(stands.sha256)
        values = {
            "file": stands,
            "project": project,
            "words": self.words(stands, last),
            "voices": voices,
            "earlier": earlier[:_EARLIER],
            "left_out": max(0, len(earlier) - _EARLIER),
            "silent": [operator for operator in self.about.operators if operator not in stands.voices],
            "names": sorted({row.filename for row in rows}),
            "target": typed(stands.filename) if stands.filename.endswith(".whl") else "",
        }
        badge = self._badge([stands])
        return [
            Page(path, self.render.page("file.html", path, **values)),
            Page(paths.file_badge(stands.sha256, "svg"), badge.svg),
            Page(paths.file_badge(stands.sha256, "json"), badge.endpoint),
        ]

    def words(self, stands: Standing, last: Sequence[Seen] = ()) -> Any:
        """What the standing means. If nobody built anything, in the words for that."""
        method = "static" if last and all(row.method == "static" for row in last) else "rebuild"
        return words_for(stands.state, stands.level, exact=stands.exact, method=method)

    def project(self, name: str, files: Sequence[Standing]) -> list[Page]:
        """Everything of one project, whose `files` are given."""
        ordered = sorted(files, key=lambda file: (version_of(file.version), file.filename))
        # Counted from the oldest, so that a new version changes the first page alone.
        parts = [ordered[start : start + paths.PART] for start in range(0, len(ordered), paths.PART)]
        places = [paths.project_page(name, number + 1) for number in range(len(parts) - 1)]
        places.append(paths.project_page(name))
        regressed = [file for file in reversed(ordered) if file.regressed]
        made = [
            Page(
                place,
                self.render.page(
                    "project.html",
                    place,
                    name=name,
                    files=part[::-1],
                    counts=counts_of(ordered),
                    total=len(ordered),
                    regressed=regressed[:_FED],
                    place=(number, len(parts)),
                    places=places,
                ),
            )
            for number, (part, place) in enumerate(zip(parts, places, strict=True))
        ]
        badge = self._badge(ordered)
        feed = self._feed(
            f"{name}: ",
            paths.project_page(name),
            paths.project_feed(name),
            [(name, file) for file in regressed],
        )
        return [
            *made,
            Page(paths.project_badge(name, "svg"), badge.svg),
            Page(paths.project_badge(name, "json"), badge.endpoint),
            Page(paths.project_feed(name), feed),
        ]

    def browse(self, connection: Connection, prefix: str, names: Names) -> Page:
        """The list of projects that begin with `prefix`, or of longer beginnings."""
        leaf = is_leaf(prefix, names)
        path = paths.browse_page(prefix)
        values = {
            "prefix": prefix,
            "projects": listing.projects_below(connection, prefix)
            if leaf
            else [row for row in listing.projects_below(connection, prefix)[:1] if prefix == row.name],
            "below": []
            if leaf
            else [(prefix + character, count) for character, count in names.below(prefix)],
        }
        return Page(path, self.render.page("browse.html", path, **values))

    def shard(self, connection: Connection, prefix: str, words: Names) -> Page:
        """The same for the script: projects of which a word begins so, or how many there are."""
        if is_leaf(prefix, words):
            found = listing.projects_found(connection, prefix)
            value: dict[str, object] = {"projects": [_searched(row) for row in found]}
        else:
            below = words.below(prefix)
            exact = [row for row in listing.projects_below(connection, prefix)[:1] if row.name == prefix]
            value = {
                "below": dict(below),
                "count": sum(count for _, count in below),
                "projects": [_searched(row) for row in exact],
            }
        data = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
        return Page(paths.shard(prefix), data + b"\n")

    def overview(self, connection: Connection) -> list[Page]:
        """The pages about everything. The front page comes last: it leads to the others."""
        regressed = state.files_where(connection, "regressed", _LISTED)
        disputed = state.files_where(connection, "disputed", _LISTED)
        feed = self._feed("", paths.REGRESSIONS, paths.REGRESSIONS_FEED, regressed)
        pages = [
            Page(paths.REGRESSIONS_FEED, feed),
            self._plain("regressions.html", paths.REGRESSIONS, files=regressed, most=_LISTED),
            self._plain("search.html", paths.SEARCH),
            self._plain("check.html", paths.ABOUT),
        ]
        if self.about.many:
            values = {"files": disputed, "most": _LISTED, **self._agreement(connection)}
            pages.append(self._plain("disagreements.html", paths.DISAGREEMENTS, **values))
        front = self._plain(
            "front.html",
            paths.FRONT,
            **self._numbers(connection),
            **self._agreement(connection),
            newest=state.newest_observations(connection, _NEWEST),
            regressed=regressed[:_FEW],
            disputed=disputed[:_FEW],
        )
        return [*pages, front]

    def _plain(self, template: str, path: str, **values: object) -> Page:
        return Page(path, self.render.page(template, path, **values))

    def _numbers(self, connection: Connection) -> dict[str, object]:
        states = {key: count for (key, _), count in state.totals_of(connection, "state").items()}
        levels = {key: count for (key, _), count in state.totals_of(connection, "level").items()}
        results = ("match", "mismatch", "build-failed", "not-attempted")
        seen = charts.by_period(state.totals_of(connection, "seen"), results)
        first = charts.by_period(state.totals_of(connection, "first"), STATES)
        return {
            "by_state": states,
            "levels": [
                (level, levels.get(level, 0)) for level in ("bitwise", "archive", "metadata", "content")
            ],
            "methods": {key: count for (key, _), count in state.totals_of(connection, "method").items()},
            "projects": state.count_of(connection, PROJECTS),
            "parts": charts.share((key, states.get(key, 0)) for key in STATES),
            "rates": charts.columns(seen, results, shares=True),
            "covered": charts.columns(charts.added_up(first), STATES),
        }

    def _agreement(self, connection: Connection) -> dict[str, object]:
        said = {
            tuple(json.loads(key)): count for (key, _), count in state.totals_of(connection, "voice").items()
        }
        both = {
            kind: {tuple(json.loads(key)): n for (key, _), n in state.totals_of(connection, kind).items()}
            for kind in ("agree", "differ")
        }
        pairs = sorted({*both["agree"], *both["differ"]})
        return {
            "said": said,
            "pairs": [(pair, both["agree"].get(pair, 0), both["differ"].get(pair, 0)) for pair in pairs],
        }

    def _badge(self, files: Sequence[Standing]) -> Badge:
        if len(files) == 1:
            words = self.words(files[0])
            return Badge(words.label, words.tone)
        counts = counts_of(files)
        built = sum(counts[key] for key in _BUILT)
        if not built:
            return Badge("not built", "idle")
        bad = counts["mismatch"] + counts["disputed"]
        tone = "good" if not bad else "bad" if counts["mismatch"] else "split"
        return Badge(f"{counts['match']} of {built} files", tone)

    def _feed(self, about: str, page: str, path: str, files: Sequence[tuple[str, Standing]]) -> bytes:
        newest_first = sorted(files, key=lambda item: (-item[1].at, item[1].sha256))[:_FED]
        entries = tuple(
            Entry(
                key=file.sha256,
                title=f"{file.filename} differs, {file.regressed} matched",
                link=self._address(path, paths.file_page(file.sha256)),
                at=rfc3339(file.at),
                text=f"A rebuild of {project} {file.version} from its sdist differs from what was published. "
                f"Version {file.regressed} matched. SHA-256 {file.sha256}.",
            )
            for project, file in newest_first
        )
        return Feed(
            key=f"{self.about.key} {path}",
            title=f"{about}regressions seen by {self.about.title}",
            author=self.about.title,
            page=self._address(path, page),
            address=self.about.url + path if self.about.url else "",
            entries=entries,
        ).xml

    def _address(self, source: str, target: str) -> str:
        """Absolute, if it is known where the site is served."""
        return self.about.url + target if self.about.url else paths.relative(source, target)


def counts_of(files: Sequence[Standing]) -> dict[str, int]:
    """How many files are in each state."""
    return {key: sum(file.state == key for file in files) for key in STATES}


def _searched(row: Any) -> list[object]:
    slug = paths.slug(row.name)
    value: list[object] = [row.name, row.files, row.matched, row.differed]
    return value if slug == row.name else [*value, slug]
