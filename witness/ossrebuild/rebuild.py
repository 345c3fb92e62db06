"""Google OSS Rebuild's attestations of one file: bundle in, a `VerifiedRebuild` out, or an error that says what failed.

OSS Rebuild builds packages from their git repositories, not from sdists, and publishes a bundle for each file that came
out equal, with two in-toto statements, SLSA provenance of two build types. `Rebuild` says what was built from where;
`ArtifactEquivalence` that it equals the published file, as it is or once both were "stabilized". There is no log,
nothing is published of what differs, and one key of one operator signs.

Stricter than its own tool, which asks only for good signatures: both statements must be there, once, and be about the
file asked for and about each other. What is not needed for that is not read. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from witness import canonical
from witness.digest import SHA256_HEX
from witness.errors import Malformed, Unverified
from witness.escape import printable
from witness.keys import EcdsaKey
from witness.limits import MAX_REBUILD_BUNDLE
from witness.names import WheelName
from witness.observation import format_time
from witness.ossrebuild.envelopes import open_bundle
from witness.ossrebuild.fields import MAX_TEXT, Fields, read_time
from witness.statement import STATEMENT_TYPE

RebuildLevel = Literal["bitwise", "stabilized"]
REBUILD_LEVELS: Final[tuple[RebuildLevel, ...]] = get_args(RebuildLevel)
GOOGLE: Final = "https://docs.oss-rebuild.dev/hosts/Google"

_PROVENANCE: Final = "https://slsa.dev/provenance/v1"
_REBUILD: Final = "https://docs.oss-rebuild.dev/builds/Rebuild@v0.1"
_EQUIVALENCE: Final = "https://docs.oss-rebuild.dev/builds/ArtifactEquivalence@v0.1"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class RebuildService:
    """Whom a consumer believes to be an instance of OSS Rebuild: who runs it, its keys, and its builder's id."""

    name: str
    operator: str
    keys: tuple[EcdsaKey, ...]
    builder: str = GOOGLE


@dataclass(frozen=True, slots=True)
class VerifiedRebuild:
    """That `service` built the file `filename` with the SHA-256 `sha256` from git, and what came out equals it.

    Attributes:
        level: "bitwise" if it is the same file; "stabilized" if only what both become is.
        rebuilt: the SHA-256 of what was built.
        finished_at: when the build ended, in UTC.
        source: the repository and commit, as it names them; empty if it does not.
        defined: whether somebody wrote down for this file how to build it, which may also say what to leave out.
        signer: the id of the key.
    """

    service: RebuildService
    filename: str
    sha256: str
    level: RebuildLevel
    rebuilt: str
    finished_at: datetime
    source: str
    defined: bool
    signer: str
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a VerifiedRebuild is only made by verify_rebuild")

    @property
    def text(self) -> str:
        """In one printable line."""
        how = {"bitwise": "bitwise", "stabilized": "equal only once both were stabilized"}[self.level]
        return printable(f"rebuilt from {self.source or 'a source that it does not name'}: {how}")

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """Everything it says, by names."""
        return (
            ("says", self.text),
            ("about", self.filename),
            ("seen", format_time(self.finished_at)),
            ("rebuilt", f"sha256:{self.rebuilt}"),
            *((("recipe", "written by hand for this file"),) if self.defined else ()),
            ("builder", self.service.builder),
            ("signer", self.signer),
        )


def verify_rebuild(data: bytes, service: RebuildService, filename: str, sha256: str) -> VerifiedRebuild:
    """What the bundle `data` says of the published wheel `filename` with the digest `sha256`.

    Raises:
        Unverified: it is no bundle that a key of `service` signed, or one about another file or another build.
        Malformed: it is signed, and says something that this program cannot read, or names another builder. No stranger
            can bring that about, except by leaving a statement out.
    """
    payloads, signer = open_bundle(data, service.keys)
    statements = [Fields("statement", _json(payload)) for payload in payloads]
    equivalence = _one(statements, _EQUIVALENCE, service)
    rebuild = _one(statements, _REBUILD, service)
    rebuilt = _compare(equivalence, filename, sha256)
    _check_rebuild(rebuild, filename, rebuilt)
    dependencies = rebuild.within("predicate", "buildDefinition").objects("resolvedDependencies")
    finished = rebuild.within("predicate", "runDetails", "metadata").text("finishedOn")
    return VerifiedRebuild(
        service=service,
        filename=filename,
        sha256=sha256,
        level="bitwise" if rebuilt == sha256 else "stabilized",
        rebuilt=rebuilt,
        finished_at=read_time(finished),
        source=_source(dependencies),
        defined=any(item.get("name") == "build.fix.json" for item in dependencies),
        signer=signer,
        seal=_SEAL,
    )


def _json(payload: bytes) -> Mapping[str, Any]:
    value = canonical.loads(payload, what="statement", limit=MAX_REBUILD_BUNDLE)
    if not isinstance(value, dict):
        raise Malformed("statement: not an object")
    return value


def _one(statements: Sequence["Fields"], build_type: str, service: RebuildService) -> "Fields":
    """The one statement of `build_type`, of the types that are known, and by the builder that is."""
    found = [
        item
        for item in statements
        if item.within("predicate", "buildDefinition").text("buildType") == build_type
    ]
    if not found:  # of a later version, perhaps
        raise Malformed(f"no statement of the type {build_type}")
    if len(found) > 1:
        raise Unverified(f"{len(found)} statements of the type {build_type} instead of one")
    (statement,) = found
    if statement.text("_type") != STATEMENT_TYPE or statement.text("predicateType") != _PROVENANCE:
        raise Malformed(f"statement: not of the types {STATEMENT_TYPE} and {_PROVENANCE}")
    builder = statement.within("predicate", "runDetails", "builder").text("id")
    if builder != service.builder:
        raise Malformed(f"made by the builder {printable(builder, limit=100)!r}, not by {service.builder}")
    return statement


def _compare(statement: "Fields", filename: str, sha256: str) -> str:
    """The digest of what was built, which the statement holds against the file asked for."""
    subject, digest = _resource(statement.objects("subject"), "subject")
    if (subject, digest) != (filename, sha256):
        raise Unverified(f"about another file: {printable(subject, limit=100)}, sha256 {digest}")
    definition = statement.within("predicate", "buildDefinition")
    parameters = definition.within("externalParameters")
    target = parameters.text("target")
    if parameters.text("candidate") != f"rebuild/{filename}" or _last(target) != filename:
        raise Unverified("compares other files than the one it is about")
    dependencies = definition.objects("resolvedDependencies")
    held = dict(_resource([item], "resolvedDependencies") for item in dependencies)
    if (
        len(dependencies) != 2
        or len(held) != 2
        or set(held) != {f"rebuild/{filename}", target}
        or held[target] != sha256
    ):
        raise Unverified("compared with another file than the one it is about")
    made, _ = _resource(statement.within("predicate", "runDetails").objects("byproducts"), "byproducts")
    if made != f"stabilized/{filename}":
        raise Unverified("stabilized another file than the one it is about")
    return held[f"rebuild/{filename}"]


def _check_rebuild(statement: "Fields", filename: str, rebuilt: str) -> None:
    """Raises `Unverified` unless the statement is about a build of that wheel with that outcome."""
    if _resource(statement.objects("subject"), "subject") != (f"rebuild/{filename}", rebuilt):
        raise Unverified("the build and the comparison are of different files")
    wheel = WheelName.parse(filename)
    built = statement.within("predicate", "buildDefinition", "externalParameters")
    try:
        named = canonicalize_name(built.text("package")), Version(built.text("version"))
    except InvalidVersion:
        raise Malformed("statement: version: not a version") from None
    if built.text("ecosystem") != "pypi" or named != (wheel.project, wheel.version):
        raise Unverified("a build of another project or version")
    if built.text("artifact") != filename:
        raise Unverified("a build of another file")


def _source(dependencies: Sequence[Mapping[str, Any]]) -> str:
    for item in dependencies:
        name, digest = item.get("name"), item.get("digest")
        if not isinstance(name, str) or not name.startswith("git+") or not isinstance(digest, dict):
            continue
        commits = [text for text in digest.values() if isinstance(text, str) and _COMMIT.fullmatch(text)]
        return f"{name[:MAX_TEXT]}@{commits[0]}" if len(commits) == 1 else name[:MAX_TEXT]
    return ""


def _resource(items: Sequence[Mapping[str, Any]], what: str) -> tuple[str, str]:
    """Name and SHA-256 of the one resource in `items`."""
    if len(items) != 1:
        raise Malformed(f"statement: {what}: {len(items)} resources instead of one")
    resource = Fields(f"statement: {what}", items[0])
    digest = resource.within("digest").text("sha256")
    if not SHA256_HEX.fullmatch(digest):
        raise Malformed(f"statement: {what}: not a SHA-256 digest in lower-case hex")
    return resource.text("name"), digest


def _last(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return ""
