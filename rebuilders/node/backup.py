"""What it takes to go on with a node on another disk, and going on with it without forking its log.

A backup is a directory: configuration, keys, ledger, what waits to be signed, and the log's state, with SHA256SUMS. It
has no log: that is fetched again from where it is published, since a log that is older than what others have seen must
not be signed on. Nor has it the state of the cosigner, which must never go back: a restored node cosigns nobody until
its operator says that this is sound.
"""

import json
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebuilders.node import keys
from rebuilders.node.config import CONFIG, NodeConfig, NodeDirectory
from rebuilders.node.cosigning import WITHHELD
from rebuilders.node.ledger import Ledger
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError
from witness.escape import printable
from witness.recovery import Recovered, Rejoined, known_of, publication, recover, rejoin

SUMS: Final = "SHA256SUMS"

_LEDGER: Final = "ledger.sqlite"
_NODE: Final = "node.json"
# Of a node's state: what only its cosigner, its parts and its log of that moment can use.
_NOT_KEPT: Final = frozenset(
    {"cosigner", "parts", "lock", "collected", "refreshed", "destinations", "site.sqlite"}
)
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
_WHY: Final = (
    "This node was restored from a backup, which cannot know what its cosigner signed last. Remove this file if you\n"
    "know that the published site has every checkpoint that it cosigned; or give it a new cosigner key.\n"
)


@dataclass(frozen=True, slots=True)
class Restored:
    """The log as it goes on, and what it had more than the backup knows of."""

    log: Recovered
    since: Rejoined


def back_up(directory: NodeDirectory, out: Path) -> int:
    """Copies what is needed into the new directory `out`; returns how many files. The node may be running.

    Raises:
        InputError: there is no node, or `out` is there already. Incomplete: a disk failed; nothing is left.
    """
    directory.load()
    with _new(out) as staging, keys.alone(directory), publication(directory.state):
        for source, name in _kept(directory):
            _copy(source, staging / name)
        if (ledger := directory.state / _LEDGER).exists():
            _copy_ledger(ledger, staging / "state" / _LEDGER)
        return _seal(staging)


def restore(
    backup: Path, directory: NodeDirectory, sites: Sequence[str], say: Callable[[str], None]
) -> Restored:
    """Makes the node in `directory`, which is new, from `backup` and the log as it is at `sites`, or its own address.

    Raises:
        InputError: not a whole backup, or `directory` is there already.
        Incomplete, Unverified: see `witness.recovery.recover`. Nothing is left.
    """
    _check(backup)
    with _new(directory.root) as staging:
        node = NodeDirectory(staging)
        for path in _files(backup):
            if path.name != SUMS:
                _copy(path, staging / path.relative_to(backup))
        for path in (node.outbox, node.state, node.keys):
            path.mkdir(mode=0o700, exist_ok=True)
        config = node.load()
        recovered = _recover(node, config, sites)
        for at, reason in recovered.silent:
            say(f"{printable(at)}: {printable(reason)}")
        since = rejoin(node.site, node.state, node.outbox, recovered)
        (node.state / WITHHELD).write_text(_WHY, "utf-8")
        if (node.state / _LEDGER).exists():
            with closing(Ledger(node.state / _LEDGER)) as ledger:
                ledger.observed_before(since.files)
        staging.chmod(0o755)
        return Restored(recovered, since)


def _recover(node: NodeDirectory, config: NodeConfig, sites: Sequence[str]) -> Recovered:
    about = node.root / _NODE
    told = json.loads(about.read_bytes())
    copies = list(sites) or ([config.url] if config.url else [])
    copy = node.root / "copy"
    recovered = recover(
        copies,
        [peer.url for peer in config.peer],
        copy,
        str(told["logKey"]),
        str(told["cosignerKey"]),
        known=known_of(node.state),
        contact=config.contact,
    )
    (copy / "site").rename(node.site)
    shutil.rmtree(copy)
    about.rename(node.site / _NODE)
    return recovered


def _kept(directory: NodeDirectory) -> Iterator[tuple[Path, str]]:
    """What is copied as it is: each file, and its name in the backup."""
    yield directory.config_path, CONFIG
    yield directory.site / _NODE, _NODE
    for path in _files(directory.keys):
        yield path, f"keys/{path.relative_to(directory.keys).as_posix()}"
    for path in _files(directory.outbox):
        yield path, f"outbox/{path.relative_to(directory.outbox).as_posix()}"
    for path in _files(directory.state):
        name = path.relative_to(directory.state)
        if (
            name.parts[0] not in _NOT_KEPT
            and not name.name.startswith((_LEDGER, ".tmp-"))
            and path.suffix != ".lock"
        ):
            yield path, f"state/{name.as_posix()}"


def _files(root: Path) -> list[Path]:
    """The regular files below `root`, by name; links are not followed."""
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy2(source, to, follow_symlinks=False)


def _copy_ledger(source: Path, to: Path) -> None:
    """A copy of one moment, whoever writes to it meanwhile (SQLite's online backup)."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(source)) as before, closing(sqlite3.connect(to)) as after:
            before.backup(after)
    except sqlite3.Error as error:
        raise Incomplete(f"{source}: {error}") from None


def _seal(staging: Path) -> int:
    lines = [
        f"{sha256_hex(path.read_bytes())}  {path.relative_to(staging).as_posix()}\n"
        for path in _files(staging)
    ]
    (staging / SUMS).write_text("".join(lines), "utf-8")
    return len(lines)


def _check(backup: Path) -> None:
    """Raises InputError unless `backup` has the files that it says, and no other."""
    try:
        lines = (backup / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{backup}: no backup of a node", hint="`rebuilder backup` makes one.") from None
    told = {match[2]: match[1] for line in lines if (match := _LINE.fullmatch(line))}
    held = {path.relative_to(backup).as_posix(): path for path in _files(backup)}
    held.pop(SUMS, None)
    for name in sorted(told.keys() | held.keys()):
        if name not in told or name not in held or sha256_hex(held[name].read_bytes()) != told[name]:
            raise InputError(f"{backup / name}: not as it was backed up", hint="Take another backup.")


@contextmanager
def _new(path: Path) -> Iterator[Path]:
    """A directory that becomes `path` at the end, or is gone."""
    path = path.absolute()
    if path.exists() or path.is_symlink():
        raise InputError(f"{path}: there is something already", hint="Name a new directory.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise InputError(f"{path}: cannot be made: {error.strerror}") from None
    try:
        yield staging
        os.sync()
        staging.rename(path)
    except OSError as error:
        raise Incomplete(f"{path}: {error.strerror}", hint="Free some space, and try again.") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
