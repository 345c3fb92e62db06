"""What programs may call: the same answers as the commands give, as values, without printing or ending anything.

Every call opens what it needs and closes it again, so that calls may be made from several threads at once. Whatever
goes wrong is an exception of the tree in witness.errors; that a file fails the policy is no error, but the answer.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from witness import config, gate
from witness.client import Client
from witness.config import LoadedPolicy
from witness.errors import InputError
from witness.escape import printable
from witness.evidence import Artifact
from witness.pins.detect import SUPPORTED, read_inputs
from witness.pins.pin import Pins
from witness.pins.wheels import read_wheel
from witness.policy import LOOKUPS
from witness.report.model import Report
from witness.verdict import Verdict
from witness.wiring import open_client

AnyPath: TypeAlias = str | os.PathLike[str]


def load_policy(path: AnyPath | None = None) -> LoadedPolicy:
    """The policy in the file `path`, or else in the user's own.

    Raises:
        InputError: there is none, or it is not a policy.
    """
    return config.load_policy(None if path is None else _path(path))


def check(
    *inputs: AnyPath,
    policy: LoadedPolicy | AnyPath | None = None,
    bundles: Iterable[AnyPath] = (),
    snapshot: AnyPath | None = None,
    lookup: str | None = None,
    state: AnyPath | None = None,
    now: datetime | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Report:
    """What `wheelwitness check` reports on `inputs`: lock files, requirements, SBOMs, wheels, directories of wheels.

    Args:
        inputs: at least one.
        policy: a policy or its file; the user's own if none is given.
        bundles: files of bundles to ask instead of witnesses; nothing is fetched then.
        snapshot: the same with a directory that `wheelwitness snapshot` made.
        lookup: how much witnesses learn of what is asked, in place of the policy's `lookup`.
        state: where it is remembered which logs were seen; the user's own place if none is given.
        now: the time to judge at, with a time zone; the clock's if none is given.
        progress: called after each question to a witness, from any thread.

    Raises:
        InputError: an input, the policy or a file of bundles cannot be used.
        Incomplete: what is remembered of a log cannot be read.
    """
    if not inputs:
        raise InputError("nothing was named to check", hint=f"Give {SUPPORTED}.")
    pins = read_inputs([str(_path(item)) for item in inputs])
    with _client(policy, bundles, state, progress, snapshot=snapshot, lookup=lookup) as client:
        return gate.check(pins, client, _time(now))


def verify(
    *files: AnyPath,
    policy: LoadedPolicy | AnyPath | None = None,
    bundles: Iterable[AnyPath] = (),
    snapshot: AnyPath | None = None,
    lookup: str | None = None,
    state: AnyPath | None = None,
    now: datetime | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Report:
    """What `wheelwitness verify` reports on wheel `files`. Arguments and errors are those of `check`."""
    if not files:
        raise InputError("no wheel was named to verify", hint="Give files of wheels.")
    pins = Pins(tuple(read_wheel(path) for path in dict.fromkeys(map(_path, files))))
    with _client(policy, bundles, state, progress, snapshot=snapshot, lookup=lookup) as client:
        return gate.check(pins, client, _time(now))


def judge(
    *artifacts: Artifact,
    policy: LoadedPolicy | AnyPath | None = None,
    bundles: Iterable[AnyPath] = (),
    snapshot: AnyPath | None = None,
    lookup: str | None = None,
    state: AnyPath | None = None,
    now: datetime | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Verdict]:
    """The verdict on each artifact, in their order, for who knows digests already. Otherwise like `check`."""
    with _client(policy, bundles, state, progress, snapshot=snapshot, lookup=lookup) as client:
        return client.judge(artifacts, _time(now))


@contextmanager
def _client(
    policy: LoadedPolicy | AnyPath | None,
    bundles: Iterable[AnyPath],
    state: AnyPath | None,
    progress: Callable[[], None],
    *,
    snapshot: AnyPath | None,
    lookup: str | None,
) -> Iterator[Client]:
    loaded = policy if isinstance(policy, LoadedPolicy) else load_policy(policy)
    if lookup is not None and lookup not in LOOKUPS:
        raise InputError(f"no such lookup: {printable(lookup)!r}", hint=f"Choose from {', '.join(LOOKUPS)}.")
    with open_client(
        loaded,
        bundles=tuple(map(_path, bundles)),
        snapshot=None if snapshot is None else _path(snapshot),
        lookup=lookup,
        progress=progress,
        state=None if state is None else _path(state),
    ) as client:
        yield client


def _path(path: AnyPath) -> Path:
    text = os.fspath(path)
    if not text or "\0" in text:
        raise InputError(f"not a path: {printable(text)!r}", hint="Give the path of a file or directory.")
    return Path(text)


def _time(now: datetime | None) -> datetime:
    if now is None:
        return datetime.now(UTC)
    if now.tzinfo is None:
        raise InputError("a time without a time zone", hint="Give now=datetime.now(UTC), for example.")
    return now
