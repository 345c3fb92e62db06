"""A site's files, read as a browser would: where its references lead."""

import html
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

_REFERENCE = re.compile(r'(?:href|src|action)="([^"]*)"')
_ID = re.compile(r'\bid="([^"]*)"')
OURS = ("project", "file", "browse", "search")


def pages(site: Path) -> dict[str, bytes]:
    """Every file of ours, by its path."""
    found = [path for path in site.iterdir() if path.suffix in (".html", ".css", ".js", ".svg", ".xml")]
    found += [path for top in OURS for path in (site / top).rglob("*") if path.is_file()]
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in found}


def broken(site: Path, but: tuple[str, ...] = (), *, reachable: bool = False) -> list[str]:
    """References that lead nowhere, and files that are not what they seem.

    `but`: where targets begin that need not be there. `reachable`: only of pages that a reader who begins at the front
    page or the search comes to. A new file's page is there before that of its project, which nothing leads to yet.
    """
    faults = []
    for path, data in pages(site).items():
        if "/.tmp-" in path:
            continue
        if path.endswith(".html"):
            text = data.decode()
            if not text.endswith("</html>"):
                faults.append(f"{path}: cut off")
            ids = _ID.findall(text)
            if len(set(ids)) != len(ids):
                faults.append(f"{path}: an id twice")
        elif path.endswith(".json"):
            json.loads(data)
        elif path.endswith((".xml", ".svg")):
            ET.fromstring(data)
    wanted = _reachable(site) if reachable else {path for path in pages(site) if path.endswith(".html")}
    for path in sorted(wanted):
        faults += [f"{path}: {fault}" for fault in _of_page(site, path, but)]
    return faults


def _reachable(site: Path) -> set[str]:
    left = ["index.html", "search.html"]
    for shard in (site / "search").glob("names-*.json"):
        left += [
            f"project/{row[-1] if len(row) > 4 else row[0]}.html"
            for row in json.loads(shard.read_bytes())["projects"]
        ]
    found: set[str] = set(left)
    while left:
        path = left.pop()
        for target in _targets(site, path):
            if target.endswith(".html") and target not in found and (site / target).is_file():
                found.add(target)
                left.append(target)
    return found


def _targets(site: Path, path: str) -> list[str]:
    written = [urlsplit(html.unescape(one)) for one in _REFERENCE.findall((site / path).read_text())]
    here = [unquote(parts.path) for parts in written if parts.path and not parts.scheme]
    return [
        (site / path).parent.joinpath(one).resolve().relative_to(site.resolve()).as_posix() for one in here
    ]


def _of_page(site: Path, path: str, but: tuple[str, ...]) -> list[str]:
    text = (site / path).read_text()
    ids, faults = set(_ID.findall(text)), []
    for written in _REFERENCE.findall(text):
        parts = urlsplit(html.unescape(written))
        if parts.scheme or parts.netloc:
            if f'href="{written}" rel="noreferrer nofollow"' not in text:
                faults.append(f"leads elsewhere: {written}")
        elif not parts.path and parts.fragment not in ids:
            faults.append(f"no such place: {written}")
    return faults + [
        f"leads nowhere: {target}"
        for target in _targets(site, path)
        if not (site / target).is_file() and not target.startswith(but or ("\0",))
    ]
