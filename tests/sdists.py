"""Tiny sdists, built in memory."""

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping

from tests.wheels import File, zip_of

TOP = "demo-1.0"
PYPROJECT = b'[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n'
MTIME = 1_600_000_000


def info(name: str, size: int = 0, *, mode: int = 0o644, mtime: float = MTIME, kind: bytes = tarfile.REGTYPE):
    made = tarfile.TarInfo(name)
    made.size, made.mode, made.mtime, made.type = size, mode, mtime, kind
    return made


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=form) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return plain.getvalue()


def sdist_of(files: Mapping[str, bytes] | None = None, *, mode: int = 0o644, mtime: float = MTIME) -> bytes:
    """A `.tar.gz` sdist with `files` below its top directory, besides pyproject.toml."""
    files = {"pyproject.toml": PYPROJECT, **(files or {})}
    members = ((info(f"{TOP}/{path}", mode=mode, mtime=mtime), content) for path, content in files.items())
    return gzip.compress(tar_of(members), mtime=0)


def zip_sdist_of(files: Mapping[str, bytes]) -> bytes:
    return zip_of(File(f"{TOP}/{path}", content) for path, content in files.items())
