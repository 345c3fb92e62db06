"""The queue of a ledger: targets that wait, run and are done, and the observations on their way to the outbox."""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, and_, case, delete, false, func, insert, or_, select, update

from rebuilders.node.ledger.database import Database, insert_new, upsert, url_of
from rebuilders.node.ledger.tables import CONTROL, OUTGOING, TARGETS
from witness.escape import printable
from witness.names import TargetName, WheelName

State = Literal["queued", "running", "done", "stuck"]

_T: Final = TARGETS.c
_MAX_DETAIL: Final = 500
_ENDED: Final = "ended"  # the cause of a failure: whoever had the target
_MAX_NEEDS: Final = 300
_AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)  # a `not_before` that holds however the clock is set back
_DELIVERED_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Want:
    """That `target` should be rebuilt, `why` in a word, and seen `within` so long; not before `not_before`.

    `overrides`: that is why from now on, even if it waits for another reason and is due sooner.
    """

    target: TargetName
    why: str = "added"
    within: timedelta = timedelta(0)
    not_before: datetime | None = None
    overrides: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A target that is now running. `failures` are tries in a row that came to nothing; `sha256` as seen before.

    `result` is that of the latest observation, which had come `repeats` times in a row before that. `failed` is the
    cause of the failures, which are counted anew for another.
    """

    target: TargetName
    claim: str
    why: str
    failures: int
    needs: str
    sha256: str
    result: str = ""
    repeats: int = 0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a target: in words for people, and the observation if there is one to make.

    `sha256` is that of the published file; `again_at` is when to observe it again.
    """

    result: str
    level: str = ""
    detail: str = ""
    sha256: str = ""
    statement: bytes = b""
    statement_sha256: str = ""
    report: bytes | None = None
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A row for people."""

    target: str
    state: str
    why: str
    due: datetime
    not_before: datetime
    failures: int
    result: str
    level: str
    detail: str


class Ledger:
    """The ledger at `url`, or in the SQLite file `path` where that is empty; made or brought up to date.

    Every method raises Incomplete if the database cannot be read or written, and has then changed nothing.

    Args:
        clock: gives the time, in UTC.
    """

    def __init__(
        self, path: Path, url: str = "", *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.database: Final = Database(url_of(url, path))
        self._clock = clock

    def alone(self) -> AbstractContextManager[Callable[[], None]]:
        """Held by the one scheduler of a ledger that several machines reach. Raises Incomplete if another has it.

        What it gives is called once in a while: it raises Incomplete if the lock was lost, and another has it now.
        """
        return self.database.alone()

    def add(self, wants: Iterable[Want]) -> int:
        """Queues what is wanted, done and stuck targets included; returns how many did not wait or run already.

        What waits already is due as early as anybody wants it. What runs is queued once more when it has ended,
        unless it was merely added again.
        """
        with self.database.in_turn() as connection:
            return self.queue(connection, wants)

    def queue(self, connection: Connection, wants: Iterable[Want]) -> int:
        """The same as `add`, as a part of the caller's transaction, which is one of `Database.in_turn`."""
        now, added = self._clock(), 0
        for want in wants:
            same = select(TARGETS).where(_T.target == str(want.target)).with_for_update()
            row = connection.execute(same).first()
            added += self._want(connection, want, row, now)
        return added

    def _want(self, connection: Connection, want: Want, row: Row[Any] | None, now: datetime) -> bool:
        due, after = now + want.within, want.not_before or _AT_ONCE
        if row is None:
            connection.execute(
                insert(TARGETS).values(
                    target=str(want.target),
                    project=want.target.project,
                    why=want.why,
                    state="queued",
                    due=due,
                    not_before=after,
                    changed=now,
                )
            )
        elif row.state in ("done", "stuck"):
            fresh = {"failures": 0, "again_at": None, "claim": "", "needs": "", "once_more": False}
            self._set(connection, row.id, state="queued", why=want.why, due=due, not_before=after, **fresh)
        elif row.state == "running":
            if want.why not in ("added", row.why):
                self._set(connection, row.id, once_more=True, due=due, why=want.why)
            return False
        else:
            sooner = due < row.due or after < row.not_before
            if sooner or want.overrides:
                self._set(
                    connection,
                    row.id,
                    due=min(due, row.due),
                    not_before=min(after, row.not_before),
                    why=want.why,
                )
            return False
        return True

    def requeue(self, keep: Collection[str] = (), *, stuck_after: int | None = None) -> int:
        """Queues what was running, but for the claims to `keep`: nobody is at it any more.

        For the start of a scheduler, and after a failure of the database, when a claim may have been given and lost.
        What ran when the node ended for the time `stuck_after` in a row is stuck instead.
        """
        now = self._clock()
        with self.database.in_turn() as connection:
            running = update(TARGETS).where(_T.state == "running", _T.claim.not_in(list(keep)))
            # Behind what was due before: one that ends every node that takes it up keeps nobody from his turn.
            failures = case((_T.failed == _ENDED, _T.failures + 1), else_=1)
            too_often = failures >= stuck_after if stuck_after is not None else false()
            waiting = {
                "state": case((too_often, "stuck"), else_="queued"),
                "claim": "",
                "due": case((_T.due > now, _T.due), else_=now),
                "failures": failures,
                "failed": _ENDED,
            }
            return connection.execute(running.values(**waiting)).rowcount

    def wake(self, *, patience: timedelta, within: timedelta = timedelta(0)) -> int:
        """Queues what is to be observed again by now, to be seen `within` so long; returns how many.

        What failed waits for `patience` at most, however the clock was changed.
        """
        now = self._clock()
        with self.database.in_turn() as connection:
            late = and_(_T.state == "queued", _T.failures > 0, _T.not_before > now + patience)
            connection.execute(update(TARGETS).where(late).values(not_before=now + patience))
            ripe = and_(_T.state == "done", _T.again_at.is_not(None), _T.again_at <= now)
            again = update(TARGETS).where(ripe)
            queued = {"state": "queued", "why": "again", "due": now + within, "not_before": _AT_ONCE}
            return connection.execute(again.values(again_at=None, changed=now, **queued)).rowcount

    def take(self, *, retry_before: datetime | None = None) -> Taken | None:
        """The target that is due first of those whose time has come, now running; None if there is none.

        What failed before `retry_before` is taken before its time, too.
        """
        now = self._clock()
        ready = _T.not_before <= now
        if retry_before is not None:
            ready = or_(ready, and_(_T.failures > 0, _T.changed < retry_before))
        with self.database.begin() as connection:
            waiting = select(TARGETS).where(_T.state == "queued", ready).order_by(_T.due, _T.id)
            row = connection.execute(waiting.limit(1).with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            claim = secrets.token_hex(16)
            self._set(connection, row.id, state="running", claim=claim)
        row_of = (row.why, row.failures, row.needs, row.sha256, row.result, row.repeats, row.failed)
        return Taken(TargetName.parse(row.target), claim, *row_of)

    def record(self, claim: str, recorded: Recorded) -> bool:
        """`recorded` is what came of the target that `claim` was given for. False, and nothing, if it is not valid."""
        with self.database.begin() as connection:
            row = self._claimed(connection, claim)
            if row is None:
                return False
            if recorded.statement:
                outgoing = {
                    "sha256": recorded.statement_sha256,
                    "statement": recorded.statement,
                    "report": recorded.report,
                    "artifact": recorded.sha256,
                }
                insert_new(connection, OUTGOING, outgoing, "sha256")  # the same once more says nothing new
            self._set(
                connection,
                row.id,
                state="queued" if row.once_more else "done",
                once_more=False,
                claim="",
                failures=0,
                needs="",
                sha256=recorded.sha256 or row.sha256,
                result=recorded.result[:20],
                level=recorded.level,
                detail=_shown(recorded.detail),
                observed=row.observed + bool(recorded.statement),
                repeats=row.repeats + 1 if row.result == recorded.result else 0,
                again_at=recorded.again_at,
            )
        return True

    def release(
        self,
        claim: str,
        detail: str,
        *,
        wait: timedelta | None,
        needs: str | None = None,
        blame: bool = True,
        cause: str = "",
    ) -> bool:
        """The target could not be completed: it waits again, for `wait`, or is stuck where that is None.

        What somebody wanted anew while it ran is not stuck: it waits, as if it had never failed.
        `needs` names what the next worker must have; without `blame` it does not count as a failure. Failures are
        counted in a row of the same `cause`.
        """
        now = self._clock()
        with self.database.begin() as connection:
            row = self._claimed(connection, claim)
            if row is None:
                return False
            anew = wait is None and row.once_more
            later = now + (wait or timedelta(0))
            self._set(
                connection,
                row.id,
                state="stuck" if wait is None and not anew else "queued",
                not_before=later,
                due=max(row.due, later),
                claim="",
                failures=0 if anew else (row.failures if row.failed == cause or not blame else 0) + blame,
                failed=cause if blame else row.failed,
                once_more=row.once_more and not anew,
                needs=row.needs if needs is None else printable(needs)[:_MAX_NEEDS],
                detail=_shown(detail),
            )
        return True

    def deliver(self, put: Callable[[bytes, bytes | None, str], object]) -> int:
        """Gives each recorded observation to `put`, oldest first, with its report and the artifact's SHA-256.

        It may be given again if the node dies in between: `put` must be able to bear that. Returns how many.
        """
        delivered = 0
        while True:
            with self.database.begin() as connection:
                rows = connection.execute(
                    select(OUTGOING).order_by(OUTGOING.c.id).limit(_DELIVERED_AT_ONCE)
                ).all()
            for row in rows:
                put(row.statement, row.report, row.artifact)
                with self.database.begin() as connection:
                    connection.execute(delete(OUTGOING).where(OUTGOING.c.id == row.id))
            delivered += len(rows)
            if len(rows) < _DELIVERED_AT_ONCE:
                return delivered

    def observed_before(self, filenames: Iterable[str]) -> int:
        """These files have been observed, as the log shows, whatever the ledger says; returns how many waited."""
        done = 0
        with self.database.begin() as connection:
            for name in filenames:
                wheel = WheelName.parse(name)
                same = _T.target.in_((name, f"{wheel.project}=={wheel.version}"))
                waits = update(TARGETS).where(same, _T.state != "done")
                done += connection.execute(
                    waits.values(state="done", claim="", changed=self._clock())
                ).rowcount
        return done

    def drop(self, target: TargetName) -> bool:
        """Has a target that waits or is stuck wait no more; False if there is none.

        One that was never observed is forgotten; what came of another is kept.
        """
        with self.database.begin() as connection:
            return self.unqueue(connection, target)

    def unqueue(self, connection: Connection, target: TargetName) -> bool:
        """The same as `drop`, as a part of the caller's transaction."""
        waits = and_(_T.target == str(target), _T.state.in_(("queued", "stuck")))
        never = delete(TARGETS).where(waits, _T.observed == 0)
        known = update(TARGETS).where(waits).values(state="done", changed=self._clock(), again_at=None)
        return connection.execute(never).rowcount + connection.execute(known).rowcount > 0

    def counts(self) -> Counter[str]:
        """How many targets are in each state, and how many observations are `undelivered`."""
        with self.database.begin() as connection:
            rows = connection.execute(select(_T.state, func.count()).group_by(_T.state)).all()
            undelivered = connection.execute(select(func.count()).select_from(OUTGOING)).scalar() or 0
        return Counter({row[0]: row[1] for row in rows}) + Counter(undelivered=undelivered)

    def results(self) -> Mapping[tuple[str, str], int]:
        """How many targets ended in each result and level."""
        with self.database.begin() as connection:
            told = (
                select(_T.result, _T.level, func.count()).where(_T.result != "").group_by(_T.result, _T.level)
            )
            return {(row[0], row[1]): row[2] for row in connection.execute(told)}

    def rows(self, *states: State, limit: int = 100) -> list[Queued]:
        """The targets in `states`: what waits by its turn, the rest by when it changed, newest first."""
        order = (_T.due, _T.id) if states == ("queued",) else (_T.changed.desc(), _T.id.desc())
        names = [field for field in Queued.__slots__ if field != "__weakref__"]
        columns = [_T[name] for name in names]
        with self.database.begin() as connection:
            chosen = select(*columns).where(_T.state.in_(states)).order_by(*order).limit(limit)
            return [Queued(*row) for row in connection.execute(chosen)]

    def last_change(self, state: State = "done") -> datetime | None:
        """When a target last came into `state`."""
        with self.database.begin() as connection:
            told = select(_T.changed).where(_T.state == state).order_by(_T.changed.desc()).limit(1)
            return connection.execute(told).scalar()

    def control(self) -> dict[str, str]:
        """What was said by `say`."""
        with self.database.begin() as connection:
            return {row.key: row.value for row in connection.execute(select(CONTROL))}

    def say(self, key: str, value: str) -> None:
        """Keeps `value` under `key`; an empty one forgets it."""
        with self.database.begin() as connection:
            self.note(connection, key, value)

    def note(self, connection: Connection, key: str, value: str) -> None:
        """The same as `say`, as a part of the caller's transaction."""
        if value:
            upsert(connection, CONTROL, {"key": key, "value": value}, ("value",))
        else:
            connection.execute(delete(CONTROL).where(CONTROL.c.key == key))

    def close(self) -> None:
        """Ends the connections."""
        self.database.close()

    def _claimed(self, connection: Connection, claim: str) -> Row[Any] | None:
        held = select(TARGETS).where(_T.claim == claim, _T.state == "running").with_for_update()
        return connection.execute(held).first() if claim else None

    def _set(self, connection: Connection, row: int, **values: Any) -> None:
        connection.execute(update(TARGETS).where(_T.id == row).values(changed=self._clock(), **values))


def _shown(detail: str) -> str:
    """As much of it as there is room for. What strangers wrote may hold what no database takes, such as NUL."""
    return printable(detail)[:_MAX_DETAIL]
