"""Environments made by hand: what installers leave of a wheel."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path

PYTHON = "lib/python3.12/site-packages"


def row(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def install(data: bytes, environment: Path, *, more: dict[str, bytes] | None = None, rows: str = "") -> Path:
    """Puts the files of a wheel into `environment`, and `more` as an installer does; returns the `.dist-info`."""
    packages = environment / PYTHON
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {item.filename: archive.read(item) for item in archive.infolist() if not item.is_dir()}
    (info,) = {name.split("/")[0] for name in files if ".dist-info/" in name}
    del files[f"{info}/RECORD"]
    files |= {f"{info}/INSTALLER": b"test\n", **(more or {})}
    for name, content in files.items():
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    record = "".join(row(name, content) for name, content in files.items())
    (packages / info / "RECORD").write_text(record + f"{info}/RECORD,,\n" + rows, "utf-8")
    (environment / "pyvenv.cfg").touch()
    return packages / info
