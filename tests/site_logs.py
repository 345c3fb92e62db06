"""Logs of many observations for the pages of a site: real keys, real signatures, real logs; made in seconds.

Nothing in them was built. What is observed is drawn from a seed, so that the same log comes of the same numbers.
"""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.integration.trusted_nodes import Node, stated
from witness import dsse, statement
from witness.canonical import dumps
from witness.digest import sha256_hex
from witness.log.writer import open_writer
from witness.observation import DigestSet, Observation, Resource
from witness.statement import Statement
from witness.store.directory import DirectoryStore

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
_BATCH = 1024
_NAMES = (  # noqa: SIM905
    "attrs black boto3 certifi click colorama cryptography django fastapi filelock flask fsspec google-auth h11 httpx "
    "idna iniconfig jinja2 jsonschema markupsafe numpy-stubs oauthlib packaging pandas-stubs pillow-extras pip "
    "platformdirs pluggy pydantic pygments pyjwt pytest python-dateutil pytz pyyaml-env requests rich s3fs setuptools "
    "six sqlparse tabulate tomli tqdm types-requests types-setuptools typing-extensions tzdata urllib3 virtualenv "
    "werkzeug wheel yarl zipp zope-interface"
).split()
_RESULTS = (
    ("match", "bitwise", 58),
    ("match", "archive", 16),
    ("match", "metadata", 12),
    ("mismatch", None, 6),
    ("build-failed", None, 6),
    ("not-attempted", None, 2),
)


@dataclass(frozen=True)
class Release:
    """A wheel that was published."""

    project: str
    version: str

    @property
    def filename(self) -> str:
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def sha256(self) -> str:
        return sha256_hex(f"{self.filename} as published".encode())


def releases(count: int, seed: int = 1, per_project: int = 5) -> list[Release]:
    """So many, of well-known and of made-up projects, oldest version of each first."""
    draw = random.Random(seed)
    found: list[Release] = []
    number = 0
    while len(found) < count:
        project = _NAMES[number] if number < len(_NAMES) else _made_up(draw, number)
        number += 1
        found += [
            Release(project, f"{1 + at // 4}.{at % 4}") for at in range(draw.randint(1, 2 * per_project - 1))
        ]
    return found[:count]


def observations(node: Node, wanted: Iterable[Release], seed: int = 1, days: int = 120) -> list[Statement]:
    """One of each, spread over so many days."""
    wanted = list(wanted)
    draw = random.Random(f"{node.name} {seed}")
    shared = random.Random(f"what happens {seed}")
    said = []
    for at, release in enumerate(wanted):
        result, level = _drawn(shared)
        if draw.random() < 0.02:
            result, level = _drawn(draw)
        finished = BEGIN + timedelta(seconds=int(86_400 * days * at / max(len(wanted), 1)))
        said.append(observed(node, release, result, level, finished=finished))
    return said


def observed(
    node: Node, release: Release, result: str, level: str | None, *, finished: datetime, **more: Any
) -> Statement:
    """One that looks like those of real nodes."""
    paths = [
        f"{release.project.replace('-', '_')}/_version.py",
        f"{release.filename[:-17]}.dist-info/METADATA",
    ]
    made = stated(
        node, result, level, sha256=release.sha256, filename=release.filename,
        sdist=sha256_hex(f"{release.filename} sdist".encode()), finished=finished, paths=paths, **more,
    )  # fmt: skip
    value = made.observation.wire()
    value |= {
        "isolation": "bubblewrap+seccomp+cgroup2",
        "purl": f"pkg:pypi/{release.project}@{release.version}",
        "published": {"size": 64_213, "uploadTime": "2025-12-24T09:30:00Z"},
        "source": {
            **value["source"],
            "name": f"{release.project.replace('-', '_')}-{release.version}.tar.gz",
        },
    }
    started = finished - timedelta(seconds=4 + len(release.filename) % 20)
    value["attempt"]["startedAt"] = started.strftime("%Y-%m-%dT%H:%M:%SZ")
    if "rebuilt" in value:
        value["attempt"]["outputs"] = [value["rebuilt"]["digest"]["sha256"]]
        value["comparison"]["ruleSet"] = "rules/2:0f3a9c51d2"
        for use in value["comparison"].get("rules", []):
            use |= {"id": "generator", "published": "bdist_wheel (0.43.0)", "rebuilt": "bdist_wheel (0.45.1)"}
        for difference in value["comparison"].get("differences", []):
            difference["kind"] = "content"
    if "environment" in value:
        value["environment"]["interpreter"] = "CPython 3.12.7"
        value["environment"]["requirements"] = [
            {"name": name, "version": version, "sha256": sha256_hex(name.encode())}
            for name, version in (("flit-core", "3.10.1"), ("setuptools", "75.6.0"), ("wheel", "0.45.1"))
        ]
    if result == "build-failed":
        value["failure"] = {
            "phase": "build",
            "cause": "backend-failed",
            "detail": "the backend ended with status 1",
        }
    return Statement(made.filename, made.sha256, Observation.model_validate_json(dumps(value)))


def grow(node: Node, directory: Path, said: Sequence[Statement], url: str = "") -> Path:
    """Adds `said` to the log of `node` in `directory`/site, without shards, and returns the site."""
    site = DirectoryStore(directory / "site")
    signers = node.signers
    identity = node.identity
    told = {
        "schema": "node/1", "name": node.name, "operator": node.operator, "url": url,
        "keys": [identity.keys[0].text], "logKey": identity.log_key.text,
        "cosignerKey": identity.cosigner_key.text, "software": {"name": "wheelwitness", "version": "0.1.0"},
        "lookupWidth": 2,
    }  # fmt: skip
    if not site.exists("node.json"):
        site.put("node.json", json.dumps(told).encode())
    signer = signers.observations
    with open_writer(site, directory / "log-state", signers.log, signers.cosigner) as writer:
        for start in range(0, len(said), _BATCH):
            part = said[start : start + _BATCH]
            entries = [
                dsse.encode(dsse.seal(statement.encode(item), signer.public_key, signer.sign))
                for item in part
            ]
            writer.append(entries, at=int(part[-1].observation.attempt.finished_at.timestamp()))
            writer.settle()
    return directory / "site"


def report(said: Statement, found: Sequence[dict[str, str]], **more: object) -> bytes:
    """The difference report of a mismatch, as a worker leaves it."""
    held = said.observation.comparison
    assert held is not None
    assert held.published is not None
    assert held.rebuilt is not None
    assert said.observation.rebuilt is not None

    def wheel(sha256: str, digests: Any) -> dict[str, object]:
        return {
            "filename": said.filename, "sha256": sha256, "size": 64_213, "members": 12,
            "payloadDigest": digests.payload_digest, "distInfoDigest": digests.dist_info_digest,
            "recordDigest": held.record_digest, "findings": [], "findingsTotal": 0,
        }  # fmt: skip

    value = {
        "schema": "report/1", "name": said.filename, "result": said.observation.result,
        "level": said.observation.level, "archiveExact": False, "ruleSet": held.rule_set, "rules": [],
        "differences": list(found), "differencesTotal": len(found), "container": [],
        "published": wheel(said.sha256, held.published),
        "rebuilt": wheel(said.observation.rebuilt.digest.sha256, held.rebuilt),
        "rebuild": {"backend": "setuptools", "cause": "changed-file", "attempts": 3, "reasons": [], "explanation": []},
        "diffoscope": None,
    }  # fmt: skip
    return json.dumps(value | more, indent=2).encode() + b"\n"


def naming(said: Statement, data: bytes) -> Statement:
    """`said`, with the digest of its report."""
    held = said.observation.comparison
    assert held is not None
    named = Resource(name="report.json", digest=DigestSet(sha256=sha256_hex(data)))
    comparison = held.model_copy(update={"report": named})
    return Statement(
        said.filename, said.sha256, said.observation.model_copy(update={"comparison": comparison})
    )


def reported(said: Statement, found: Sequence[dict[str, str]], site: Path, **more: object) -> Statement:
    """`said`, naming a report that is put where a node's scheduler does."""
    data = report(said, found, **more)
    put_report(site, said, data)
    return naming(said, data)


def put_report(site: Path, said: Statement, data: bytes) -> Path:
    """Puts a report beside `site`."""
    place = f"{said.sha256[:2]}/{said.sha256}.json"
    DirectoryStore(site / "reports").put(place, data)
    return site / "reports" / place


def _drawn(draw: random.Random) -> tuple[str, str | None]:
    (drawn,) = draw.choices(_RESULTS, [row[2] for row in _RESULTS])
    return drawn[0], drawn[1]


def _made_up(draw: random.Random, number: int) -> str:
    syllables = "ba ce di fo gu ha ji ko la mu no pi qua re si ta vu wi xe yo zu py django flask".split()  # noqa: SIM905
    words = ["".join(draw.choices(syllables, k=draw.randint(2, 3))) for _ in range(draw.randint(1, 2))]
    return f"{'-'.join(words)}-{number}" if number % 7 == 0 else f"{'-'.join(words)}{number}"
