"""What a published sdist holds, read in memory and bounded; never unpacked to disk.

The archive is unpacked only inside the sandbox, by the build's own interpreter. Here its members are listed, and
the few files that say how to build are read.
"""

import io
import re
import stat
import tarfile
import tomllib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self, cast

from rebuilders.facts.layout import Kind, Layout
from rebuilders.facts.tarball import check_headers
from rebuilders.facts.wheel import as_utc
from witness.errors import Malformed
from witness.escape import printable
from witness.limits import KIB, MIB, ArchiveLimits
from witness.wheel.archive import Archive, read_archive
from witness.wheel.entry import Entry

LIMITS: Final = ArchiveLimits(file=256 * MIB, member=256 * MIB, total=512 * MIB)
_READ: Final = ("pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO")
_MAX_TEXT: Final = 4 * MIB
# Of a ZIP archive: what leaves no doubt about which files it holds, and where.
_HARMLESS: Final = frozenset({"archive-comment", "colliding-name", "duplicate-name", "empty-directory"})
_CHUNK: Final = 1 * MIB
_MAX_HEADER: Final = 256 * KIB  # of the extended headers in front of one tar member
_MAX_GLOBAL: Final = 64  # fields of global headers; `git archive` writes one
_BLOCK: Final = 512
_EXTENDED: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_SPARSE: Final = tarfile.GNUTYPE_SPARSE
# A header as tarfile and GNU tar write it: octal numbers, ended by a NUL; files, directories, links, PAX records.
_USUAL: Final = re.compile(
    rb"(?P<name>.{100})(?P<mode>[0-7]{7})\0(?:[0-7]{7}\0){2}(?P<size>[0-7]{11})\0(?P<time>[0-7]{11})\0"
    rb"(?P<sum>[0-7]{6})\0 (?P<type>[0125gx])(?P<link>.{100}).{72}(?:[0-7]{7}\0|\0{8}){2}(?P<prefix>.{155}).{12}",
    re.DOTALL,
)
_MANY_DIGITS: Final = re.compile(rb"\d{100}")


@dataclass(frozen=True, slots=True)
class SdistMember:
    """A regular file: `path` below the sdist's top directory, permission bits, seconds since 1970, bytes."""

    path: str
    mode: int
    mtime: int
    size: int


@dataclass(frozen=True, slots=True)
class SdistFacts:
    """`texts` are the files at the top that say how to build, as far as they are UTF-8."""

    filename: str
    sha256: str
    top: str
    members: dict[str, SdistMember]
    texts: dict[str, str]
    pyproject: dict[str, Any]

    @property
    def build_requires(self) -> tuple[str, ...] | None:
        """`build-system.requires`, or None where there is no such table (PEP 518)."""
        system = self.build_system
        return None if system is None else tuple(system.get("requires", ()))

    @property
    def build_backend(self) -> str:
        """`build-system.build-backend`, or setuptools' legacy one as PEP 517 says."""
        return str((self.build_system or {}).get("build-backend", "setuptools.build_meta:__legacy__"))

    @property
    def build_system(self) -> dict[str, Any] | None:
        system = self.pyproject.get("build-system")
        return system if isinstance(system, dict) else None

    def mentions(self, words: tuple[str, ...]) -> bool:
        """Whether one of the files that say how to build contains one of `words`."""
        return any(word in text for text in self.texts.values() for word in words)


Content = Callable[[], bytes | memoryview]


@dataclass(frozen=True, slots=True)
class Sdist:
    """An sdist in memory: its facts, and the content of its files."""

    facts: SdistFacts
    _contents: dict[str, Content] = field(repr=False)

    def content(self, path: str) -> bytes | memoryview:
        """The bytes of the file at `path`, one of `facts.members`. Raises Malformed if they are damaged."""
        return self._contents[path]()


def sdist_facts(data: bytes, filename: str, sha256: str) -> SdistFacts:
    """The facts alone of the sdist `data`. Raises as `read_sdist` does."""
    return read_sdist(data, filename, sha256).facts


def read_sdist(data: bytes, filename: str, sha256: str) -> Sdist:
    """Reads the `.tar.gz` or `.zip` sdist `data`.

    Raises:
        Malformed: not such an archive, beyond a limit, without a single top directory, or its pyproject.toml is
            not TOML.
    """
    if len(data) > LIMITS.file:
        raise Malformed(f"{filename}: {len(data)} bytes, more than the {LIMITS.file} allowed")
    try:
        found = _zip(data) if filename.endswith(".zip") else _tar(_gunzip(data))
        members, texts, contents = _collect(found)
    except Malformed as error:
        raise Malformed(f"{filename}: {error}") from None
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError, RecursionError) as error:
        raise Malformed(f"{filename}: damaged archive: {error}") from None
    tops = {path.split("/", 1)[0] for path in members}
    if len(tops) != 1 or not all("/" in path for path in members):
        raise Malformed(f"{filename}: {len(tops)} top directories instead of one")
    (top,) = tops
    below = {path[len(top) + 1 :]: member for path, member in members.items()}
    texts = {path[len(top) + 1 :]: text for path, text in texts.items()}
    facts = SdistFacts(
        filename, sha256, top, below, texts, _pyproject(texts.get("pyproject.toml", ""), filename)
    )
    return Sdist(facts, {path[len(top) + 1 :]: read for path, read in contents.items()})


Found = tuple[str, SdistMember, bytes | None, Content]


def _collect(
    found: Iterator[Found],
) -> tuple[dict[str, SdistMember], dict[str, str], dict[str, Content]]:
    members: dict[str, SdistMember] = {}
    texts: dict[str, str] = {}
    contents: dict[str, Content] = {}
    for path, member, content, read in found:
        if len(members) >= LIMITS.members:
            raise Malformed(f"more than the {LIMITS.members} members allowed")
        members[path] = member
        contents[path] = read
        texts.pop(path, None)  # of two members with one path, the later stays
        if content is not None:
            texts[path] = content.decode("utf-8", errors="replace")
    return members, texts, contents


def _gunzip(data: bytes) -> io.BytesIO:
    state = zlib.decompressobj(16 + zlib.MAX_WBITS)
    plain = io.BytesIO()
    try:
        for at in range(0, len(data), _CHUNK):
            piece = data[at : at + _CHUNK]
            if state.eof and piece.strip(b"\0"):
                raise Malformed("bytes after the end of the gzip file")
            while piece and not state.eof:
                plain.write(state.decompress(piece, _CHUNK))
                piece = state.unconsumed_tail
                if plain.tell() > LIMITS.total:
                    raise Malformed(f"unpacks to more than the {LIMITS.total} bytes allowed")
        plain.write(state.flush())
    except zlib.error as error:
        raise Malformed(f"not a gzip file: {error}") from None
    if not state.eof:
        raise Malformed("a gzip file that is cut short")
    if state.unused_data.strip(b"\0"):
        raise Malformed("bytes after the end of the gzip file")
    plain.seek(0)
    return plain


def _tar(plain: io.BytesIO) -> Iterator[Found]:
    layout, number = Layout(_READ), 0
    buffer = plain.getbuffer()
    expected = check_headers(buffer)
    with tarfile.open(fileobj=plain, mode="r:", tarinfo=_Header) as archive:
        while (entry := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined] # each holds all of its extended header
            number += 1
            if number > LIMITS.members:
                raise Malformed(f"more than the {LIMITS.members} members allowed")
            if entry.size < 0:
                raise Malformed("a member of negative size")
            path = layout.add(entry.name, _kind(entry), entry.linkname)
            if not entry.isreg():
                continue
            content = None
            if _is_read(path, entry.size):
                file = archive.extractfile(entry)
                content = file.read(_MAX_TEXT) if file else None
            read = partial(_piece, buffer, entry.offset_data, entry.size)
            yield path, SdistMember(path, entry.mode & 0o7777, int(entry.mtime), entry.size), content, read
    if number != expected:
        raise Malformed("a tar header that cannot be read")
    layout.check()


def _piece(buffer: memoryview, at: int, size: int) -> memoryview:
    if at + size > len(buffer):
        raise Malformed("a member that is cut short")
    return buffer[at : at + size]


def _kind(entry: tarfile.TarInfo) -> Kind:
    if entry.isreg():
        return "file"
    if entry.isdir():
        return "directory"
    return "link" if entry.issym() else "hard link" if entry.islnk() else "special file"


class _Header(tarfile.TarInfo):
    """A header that cannot lead tarfile astray: before 3.11.14 a negative size sends it round in circles, and
    before 3.11.10 a long row of digits in an extended header takes it hours (CVE-2025-8194, CVE-2024-6232).
    Each member gets a copy of all global headers, and a sparse map is read whole: gigabytes, in a file of kilobytes.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """As TarInfo's, in a third of the time for a header of the usual form; it is left the others."""
        found = _USUAL.fullmatch(buf)
        if found is None or int(found["sum"], 8) != sum(buf) - sum(buf[148:156]) + 8 * ord(" "):
            return super().frombuf(buf, encoding, errors)
        header = cls()
        header.name, header.linkname, prefix = (
            found[part].partition(b"\0")[0].decode(encoding, errors) for part in ("name", "link", "prefix")
        )
        header.mode, header.size, header.mtime = (int(found[part], 8) for part in ("mode", "size", "time"))
        header.type = found["type"]
        if header.type == tarfile.DIRTYPE:
            header.name = header.name.rstrip("/")
        header.name = f"{prefix}/{header.name}" if prefix else header.name
        return header

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        file = cast("io.BytesIO", tarfile.fileobj)
        at = file.tell()
        header = cls.frombuf(file.read(_BLOCK), tarfile.encoding or "utf-8", tarfile.errors or "strict")
        if header.size < 0:
            raise Malformed("a member of negative size")
        if header.type == _SPARSE:
            raise Malformed("a sparse file")
        if len(tarfile.pax_headers) > _MAX_GLOBAL:
            raise Malformed(f"more than {_MAX_GLOBAL} global headers")
        if header.type in _EXTENDED:
            _check_extended(header.size, file)
            file.seek(at + _BLOCK)
        header.offset = at
        return header._proc_member(tarfile)  # type: ignore[attr-defined,no-any-return] # noqa: SLF001 - as TarInfo's


def _check_extended(size: int, file: io.BytesIO) -> None:
    if size > _MAX_HEADER:
        raise Malformed(f"an extended header of {size} bytes")
    content = file.read(size)
    if _MANY_DIGITS.search(content):
        raise Malformed("an extended header with a number of more than 99 digits")
    if b"GNU.sparse." in content:
        raise Malformed("a sparse file")


def _zip(data: bytes) -> Iterator[Found]:
    layout = Layout(_READ)
    archive = read_archive(data, LIMITS)
    for finding in archive.findings:
        if finding.kind not in _HARMLESS:
            raise Malformed(f"{finding.kind} {printable(finding.path)}")
    for entry in archive.entries:
        path = layout.add(entry.name, _zip_kind(entry))
        if entry.is_dir:
            continue
        read = partial(_inflated, archive, entry)
        content = read() if _is_read(path, entry.size) else None
        yield path, SdistMember(path, stat.S_IMODE(entry.mode), _zip_time(entry), entry.size), content, read
    layout.check()


def _inflated(archive: Archive, entry: Entry) -> bytes:
    return b"".join(archive.inflate(entry))


def _zip_kind(entry: Entry) -> Kind:
    if entry.is_dir:
        return "directory"
    return "special file" if stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG) else "file"


def _zip_time(entry: Entry) -> int:
    moment = as_utc(entry.moment)
    return int(moment.timestamp()) if moment else 0


def _is_read(path: str, size: int) -> bool:
    top, _, name = path.partition("/")
    if name == "pyproject.toml" and size > _MAX_TEXT:  # else the build would find a file that was not read
        raise Malformed(f"{top}/{name}: {size} bytes, more than the {_MAX_TEXT} allowed")
    return name in _READ and size <= _MAX_TEXT


def _pyproject(text: str, filename: str) -> dict[str, Any]:
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number too long for int
        raise Malformed(f"{filename}: pyproject.toml is not TOML: {printable(str(error))}") from None
    system = value.get("build-system")
    requires = system.get("requires", []) if isinstance(system, dict) else []
    if not isinstance(requires, list) or not all(isinstance(item, str) for item in requires):
        raise Malformed(f"{filename}: build-system.requires is not a list of strings (PEP 518)")
    return value
