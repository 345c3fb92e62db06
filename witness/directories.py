"""The directories that a user has added, beside his policy, kept up to date by The Update Framework (python-tuf).

    directories/<name>/source.json      where it is, and until when what is here counts
    directories/<name>/root.json        the root that the user pinned
    directories/<name>/metadata/        what python-tuf trusts by now
    directories/<name>/directory.json   the members, as last verified

python-tuf sees to signatures and thresholds, to rotation of roots, and to it that nothing old or frozen is taken. It is
imported only here, and only to update: a check reads `directory.json`, as long as the metadata for it have not expired.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from witness import canonical, directory
from witness.directory import MAX_DIRECTORY, TARGET, Directory
from witness.errors import FetchFailed, Incomplete, InputError, Malformed, NotFound, Unverified
from witness.escape import printable
from witness.fetch import Fetcher
from witness.limits import KIB, MIB
from witness.observation import Time, Wire, format_time
from witness.store.directory import DirectoryStore

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface

PLACE: Final = "directories"
MAX_ROOT: Final = 512_000  # as python-tuf's
_SOURCE: Final = "source.json"
_ROOT: Final = "root.json"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MAX_METADATA: Final = 8 * MIB
_EXTRA: Final = "Install wheelwitness[directory]."


class Source(Wire):
    """`source.json`. `expires` is there as soon as there is a verified directory."""

    schema_: Literal["directory-source/1"] = Field("directory-source/1", alias="schema")
    url: Annotated[str, Field(min_length=1, max_length=2000)]
    expires: Time | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update brought: the members, until when they count, and what changed, pairs of a member and a text."""

    directory: Directory
    expires: datetime
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Directories:
    """Those beside the policy at `policy`, whether or not there is one."""

    policy: Path

    @property
    def names(self) -> tuple[str, ...]:
        """All that were added, in order."""
        try:
            found = sorted(path.parent.name for path in self._root.glob(f"*/{_SOURCE}"))
        except OSError as error:
            raise InputError(f"{printable(str(self._root))}: {error.strerror}") from None
        return tuple(name for name in found if _NAME.fullmatch(name))

    def add(self, name: str, url: str, root: bytes) -> None:
        """Pins `root`, the bytes of a TUF root, for the directory at `url`. Raises `InputError`."""
        store = self._store(name)
        if store.exists(_SOURCE):
            raise InputError(
                f"there is a directory {name} already", hint="Remove it, or choose another name."
            )
        if "://" in url and not url.startswith(("http://", "https://")):
            raise InputError(f"{printable(url)}: not http or https", hint="Give a web address, or a path.")
        if len(root) > MAX_ROOT:
            raise InputError("--root: larger than any root of TUF", hint="Is this the right file?")
        _check_root(root)
        store.put(_ROOT, root)
        store.put(_SOURCE, canonical.dumps(Source(url=url).wire()))

    def remove(self, name: str) -> None:
        """Forgets it, and what was seen of it. Raises `InputError` if there is none."""
        self.source(name)
        DirectoryStore(self._root).remove(name)

    def source(self, name: str) -> Source:
        """What was added. Raises `InputError` if nothing was."""
        store = self._store(name)
        try:
            value = canonical.loads(store.get(_SOURCE, limit=16 * KIB), what=_SOURCE, limit=16 * KIB)
            return Source.model_validate_json(canonical.dumps(value))
        except NotFound:
            raise InputError(
                f"no directory {name} beside {printable(str(self.policy))}",
                hint="`wheelwitness directory add` makes one.",
            ) from None
        except (Malformed, ValidationError):
            raise InputError(
                f"{printable(str(store.root / _SOURCE))}: damaged", hint="Add it again."
            ) from None

    def read(self, name: str, now: datetime) -> Directory:
        """The members, as last verified.

        Raises:
            InputError: it was not added, or is damaged.
            Incomplete: it was never fetched, or counts no more.
        """
        source, again = self.source(name), f"`wheelwitness directory update {name}`."
        if source.expires is None:
            raise Incomplete(f"directory {name}: never fetched", hint=again)
        if now >= source.expires:
            raise Incomplete(f"directory {name}: expired at {format_time(source.expires)}", hint=again)
        held = self._held(name)
        if held is None:
            raise Incomplete(f"directory {name}: its members are missing", hint=again)
        return held

    def update(self, name: str, fetcher: Fetcher) -> Updated:
        """Fetches and verifies what is new.

        Raises:
            InputError: it was not added, or python-tuf is not installed.
            Unverified, Malformed: what is served does not verify, or is no directory.
            Incomplete: unreachable, older than what was seen before, or expired; what is here stays.
        """
        source, store = self.source(name), self._store(name)
        root = store.get(_ROOT, limit=MAX_ROOT)
        data, expires = _refresh(store.root, source.url, root, fetcher, self.policy.parent)
        found, held = directory.parse(data), self._held(name) or Directory(())
        store.put(TARGET, data)
        store.put(_SOURCE, canonical.dumps(source.model_copy(update={"expires": expires}).wire()))
        return Updated(found, expires, tuple(directory.changes(held, found)))

    def _held(self, name: str) -> Directory | None:
        store = self._store(name)
        try:
            return directory.parse(store.get(TARGET, limit=MAX_DIRECTORY))
        except NotFound:
            return None
        except Malformed as error:
            raise InputError(
                f"{printable(str(store.root / TARGET))}: {error}", hint="Add it again."
            ) from None

    @property
    def _root(self) -> Path:
        return self.policy.parent / PLACE

    def _store(self, name: str) -> DirectoryStore:
        if not _NAME.fullmatch(name):
            hint = "Up to 64 lower-case letters, digits, dots, dashes and underscores."
            raise InputError(f"{printable(name, limit=80)!r}: no name for a directory", hint=hint)
        return DirectoryStore(self._root / name)


def _check_root(data: bytes) -> None:
    """Raises `InputError` unless python-tuf takes `data` for a root, signed by its own threshold."""
    _require_tuf()
    from tuf.api.metadata import Metadata

    try:
        found: Metadata[Any] = Metadata.from_bytes(data)
        found.signed.verify_delegate("root", found.signed_bytes, found.signatures)
    except Exception as error:  # noqa: BLE001 - whatever a parser of strangers' JSON raises
        raise InputError(
            f"--root: not a root of TUF that its keys signed: {printable(str(error))}", hint="Get it again."
        ) from None


def _refresh(place: Path, url: str, root: bytes, fetcher: Fetcher, base: Path) -> tuple[bytes, datetime]:
    """The target's bytes, and until when its metadata count."""
    _require_tuf()
    from tuf.api import exceptions
    from tuf.api.metadata import Metadata
    from tuf.ngclient.updater import Updater

    kept = place / "metadata"
    target = place / ".directory.json.unverified"
    try:
        kept.mkdir(parents=True, exist_ok=True)
        updater = Updater(
            str(kept),
            f"{url.rstrip('/')}/metadata/",
            None,
            f"{url.rstrip('/')}/targets/",
            _tuf_fetcher(fetcher, base),
            bootstrap=root,
        )
        updater.refresh()
        info = updater.get_targetinfo(TARGET)
        if info is None or info.length > MAX_DIRECTORY:
            raise Malformed(f"{printable(url)}: has no target {TARGET}, or one that is too large")
        data = Path(updater.download_target(info, str(target))).read_bytes()
        target.unlink()
        held: list[Metadata[Any]] = [
            Metadata.from_bytes((kept / f"{role}.json").read_bytes()) for role in ("root", "targets")
        ]
        expires: datetime = min(item.signed.expires for item in held)
    except exceptions.DownloadError as error:
        raise FetchFailed(f"{printable(url)}: {printable(str(error))}") from None
    except exceptions.ExpiredMetadataError as error:
        raise Incomplete(f"{printable(url)}: {printable(str(error))}: frozen, or not kept up") from None
    except exceptions.BadVersionNumberError as error:
        raise Incomplete(
            f"{printable(url)}: older than what was seen before: {printable(str(error))}"
        ) from None
    except exceptions.RepositoryError as error:
        raise Unverified(f"{printable(url)}: does not verify: {printable(str(error))}") from None
    except OSError as error:
        raise Incomplete(f"{printable(str(place))}: {error.strerror}") from None
    return data, expires


def _tuf_fetcher(fetcher: Fetcher, base: Path) -> "FetcherInterface":
    """Ours behind python-tuf's seam, so that there is one way out; paths are read as they are."""
    from tuf.api.exceptions import DownloadError, DownloadHTTPError
    from tuf.ngclient.fetcher import FetcherInterface

    class Ours(FetcherInterface):
        def _fetch(self, url: str) -> Iterator[bytes]:
            try:
                if urlsplit(url).scheme in ("http", "https"):
                    return iter((fetcher.get(url, limit=_MAX_METADATA).body,))
                path = base / Path(url).expanduser()
                return iter((DirectoryStore(path.parent).get(path.name, limit=_MAX_METADATA),))
            except NotFound as error:
                raise DownloadHTTPError(str(error), 404) from None
            except FetchFailed as error:
                raise DownloadError(str(error)) from None

    return Ours()


def _require_tuf() -> None:
    if find_spec("tuf") is None:
        raise InputError("directories need python-tuf, which is not installed", hint=_EXTRA)
