"""An index whose files are kept by their SHA-256, and whose pages are kept for a while."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rebuilders.cache import used
from rebuilders.index.interface import IndexFile, IndexSource, Project
from witness.digest import sha256_hex
from witness.store.directory import DirectoryStore

_PAGE_SECONDS: Final = 600.0  # as long as indexes themselves let their pages be cached


@dataclass(frozen=True, slots=True)
class CachedIndex:
    """An `IndexSource` around another. What the cache gives is checked again, so damage costs a download."""

    source: IndexSource
    root: Path
    label: str  # tells pages of one index from those of another
    page_seconds: float = _PAGE_SECONDS

    def project(self, name: str) -> Project:
        path = self._page(name)
        try:
            if 0 <= time.time() - path.stat().st_mtime < self.page_seconds:
                return _load(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            pass  # absent or damaged: the source has it
        project = self.source.project(name)
        _write(path, json.dumps(_dump(project)).encode())
        return project

    def keep(self, name: str, project: Project) -> None:
        """Takes `project` for what the source has of that name, for as long as any page."""
        _write(self._page(name), json.dumps(_dump(project)).encode())

    def fetch(self, file: IndexFile) -> bytes:
        path = self.root / "files" / file.sha256[:2] / file.sha256
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        if sha256_hex(data) != file.sha256:
            data = self.source.fetch(file)
            _write(path, data)
        else:
            used(path)
        return data

    def _page(self, name: str) -> Path:
        return self.root / "pages" / f"{sha256_hex((self.label + name).encode())}.json"


def _write(path: Path, data: bytes) -> None:
    DirectoryStore(path.parent).put(path.name, data)


def _dump(project: Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "serial": project.serial,
        "status": project.status,
        "files": [
            [
                f.filename,
                f.url,
                f.sha256,
                f.size,
                f.upload_time and f.upload_time.isoformat(),
                f.yanked,
                f.provenance_url,
                f.requires_python,
            ]
            for f in project.files
        ],
    }


def _load(value: dict[str, Any]) -> Project:
    files = tuple(
        IndexFile(
            filename, url, sha256, size, time and datetime.fromisoformat(time), yanked, provenance, python
        )
        for filename, url, sha256, size, time, yanked, provenance, python in value["files"]
    )
    return Project(value["name"], files, value["serial"], value["status"])
