"""Tiny releases that need no network to be built: an sdist with a backend of its own, and the wheel that it makes."""

import base64
import gzip
import hashlib
import io
import secrets
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

WHEEL = "demo-1.0-py3-none-any.whl"
SDIST = "demo-1.0.tar.gz"
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'

# A backend that makes the wheel, the same bytes with every Python; what it does besides is appended by a test.
BACKEND = """\
import base64, hashlib, os, zipfile

NAME = "demo-1.0-py3-none-any.whl"
INFO = "demo-1.0.dist-info/"
MEMBERS = {
    "demo.py": b"VALUE = 1\\n",
    INFO + "METADATA": b"Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n",
    INFO + "WHEEL": b"Wheel-Version: 1.0\\nGenerator: poetry-core 1.9.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}

def record(members):
    rows = []
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append("%s,sha256=%s,%d\\n" % (name, digest, len(content)))
    return "".join(rows + [INFO + "RECORD,,\\n"]).encode()

def make(path, members=MEMBERS):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in dict(members, **{INFO + "RECORD": record(members)}).items():
            entry = zipfile.ZipInfo(name, (2016, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    make(os.path.join(wheel_directory, NAME))
    return NAME
"""


def wheel_bytes(more: str = "") -> bytes:
    """The wheel that `BACKEND` makes with `more` at its end, made here: for honest code only."""
    names: dict[str, object] = {}
    exec(BACKEND + more, names)
    with tempfile.TemporaryDirectory() as directory:
        name = names["build_wheel"](directory)  # type: ignore[operator]
        return (Path(directory) / name).read_bytes()


def tar_gz(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), 1, mtime=0)


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar; `fields` are those of `TarInfo`."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), 0o644, 1_451_606_400
    for field_, value in fields.items():
        setattr(info, field_, value)
    return info, content


def sdist_bytes(
    backend: str = BACKEND,
    *,
    pyproject: str = PYPROJECT,
    top: str = "demo-1.0",
    before: tuple[tuple[tarfile.TarInfo, bytes], ...] = (),
    after: tuple[tuple[tarfile.TarInfo, bytes], ...] = (),
) -> bytes:
    return tar_gz(
        *before,
        member(f"{top}/pyproject.toml", pyproject.encode()),
        member(f"{top}/backend.py", backend.encode()),
        *after,
    )


@dataclass(frozen=True)
class Release:
    """A wheel and an sdist on disk. `mark` is in the command line of every process that builds it."""

    wheel: Path
    sdist: Path
    mark: str

    def processes(self) -> list[str]:
        """The command lines, as the host sees them, of what still runs of it."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.mark in text:
                found.append(text)
        return found


@dataclass
class Publisher:
    """Writes releases to directories of their own below `root`."""

    root: Path
    _honest: bytes = field(default_factory=wheel_bytes)

    def release(
        self, more: str = "", *, sdist: bytes | None = None, wheel: bytes | None = None, **how: object
    ) -> Release:
        """A release whose backend is the honest one with `more` code at its end, or one with those very bytes."""
        mark = f"top-{secrets.token_hex(8)}"
        data = sdist_bytes(BACKEND + more, top=mark, **how) if sdist is None else sdist  # type: ignore[arg-type]
        directory = self.root / mark
        directory.mkdir(parents=True)
        (directory / WHEEL).write_bytes(self._honest if wheel is None else wheel)
        (directory / SDIST).write_bytes(data)
        return Release(directory / WHEEL, directory / SDIST, mark)


def requirement_wheel(
    name: str, members: dict[str, bytes], version: str = "1.0", requires: tuple[str, ...] = ()
) -> tuple[str, bytes]:
    """The file name and bytes of an installable wheel."""
    import zipfile

    info = f"{name}-{version}.dist-info"
    held = {
        **members,
        f"{info}/METADATA": "".join(
            [
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
                *(f"Requires-Dist: {text}\n" for text in requires),
            ]
        ).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in held.items()]
    held[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in held.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return f"{name}-{version}-py3-none-any.whl", plain.getvalue()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
