"""Where fuzzing begins: small inputs of each kind, made here so that no binary file is kept."""

import gzip
import io
import tarfile
import zipfile

from tests.releases import member, sdist_bytes
from tests.wheels import ABOUT, FILES, METADATA, WHEEL, File, directory, wheel_of, zip_of

_RECORD = FILES[-1].content
_FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def seeds(target: str) -> list[bytes]:
    """Inputs for the target of that name (tests/fuzz/targets.py)."""
    return _SEEDS[target]


def _tar(form: int) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=form) as made:
        for info, content in (
            member("demo-1.0/pyproject.toml", b"[build-system]\nrequires = []\n"),
            member("demo-1.0/d", type=tarfile.DIRTYPE),
            member(
                "demo-1.0/" + "x" * (80 if form == tarfile.USTAR_FORMAT else 120),
                b"y",
                pax_headers={"comment": "é"},
            ),
            member("demo-1.0/link", type=tarfile.SYMTYPE, linkname="d"),
        ):
            made.addfile(info, io.BytesIO(content))
    return plain.getvalue()


def _zip() -> bytes:
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as made:
        made.writestr("demo-1.0/setup.py", "x = 1\n")
    return plain.getvalue()


_FIELDS = [
    METADATA,
    WHEEL,
    METADATA + b"Requires-Dist: six\nLicense: a\n        b\n\nAbout it.\n",
    METADATA.replace(b"\n", b"\r\n"),
    b"Name: a\rName: b\n",
    b" folded\nName:\n\n\nVersion: 1\n",
    "Summary: \x85\u2028é\n".encode(),
]
_SEEDS = {
    "archive": [
        wheel_of(),
        zip_of(ABOUT),
        wheel_of(comment=b"x"),
        wheel_of(directory("demo/"), File("demo/é", b"y", flags=0x800)),
        wheel_of(File("demo/d", b"data", flags=8, after=bytes(12))),
        zip_of([File(file.name, file.content, method=0) for file in FILES]),
    ],
    "container": [bytes(range(n, n + 200)) for n in (0, 50)]
    + [b"\x02" + bytes([7]) * 300, b"\3" + bytes(99)],
    "fields": _FIELDS,
    "about": [METADATA + b"\0" + WHEEL, *_FIELDS],
    "record": [_RECORD, _RECORD.replace(b"\n", b"\r\n"), b'"demo/__init__.py",sha512=AA,240\n', b",,\n" * 9],
    "sdist": [
        *map(_tar, _FORMATS),
        gzip.compress(_tar(tarfile.GNU_FORMAT), 1, mtime=0),
        sdist_bytes(),
        _zip(),
    ],
}
