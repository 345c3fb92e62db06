"""Whom a site is about: what its nodes say of themselves, and everything that all of its pages depend on."""

from collections.abc import Sequence
from importlib.resources import files

from rebuilders.site.voices import About, Told
from witness import __version__
from witness.digest import sha256_hex
from witness.errors import InputError, NotFound
from witness.logged import LoggedWitness, Source
from witness.nodeinfo import MAX_NODE, software_of
from witness.store.directory import DirectoryStore


def told(number: int, witness: LoggedWitness, read: object) -> Told:
    """The node as pages show it; `read` is how far its log was read."""
    source = witness.source
    try:
        software = software_of(DirectoryStore(source.site).get("node.json", limit=MAX_NODE))
    except NotFound:
        software = ""
    return Told(
        number=number,
        name=source.name,
        operator=source.operator,
        url=source.url,
        origin=source.identity.log_key.name,
        keys=source.keys,
        software=software,
        size=witness.size,
        observations=getattr(read, "observations", 0),
        commitments=getattr(read, "commitments", 0),
        other=getattr(read, "other", 0),
        at=witness.time.strftime("%Y-%m-%d %H:%M UTC") if witness.time else "",
    )


def about(sources: Sequence[Source], title: str, url: str, *, own: bool) -> About:
    """What a site of `sources` is about; see `generate` for the others."""
    operators = list(dict.fromkeys(source.operator for source in sources))
    named = sources[0].name if own else f"{len(sources)} nodes of {len(operators)} operators"
    told = url or (sources[0].url if own else "")
    key = " ".join(sorted(source.identity.log_key.text for source in sources))
    return About(
        key=key,
        title=title or named,
        url=f"{told.rstrip('/')}/" if told else "",
        operators=operators,
        own=own,
    )


def fingerprint(witnesses: Sequence[LoggedWitness], about: About) -> str:
    """Of everything that all pages depend on: with another one, all of them are made anew."""
    program = [
        (path.name, path.read_bytes())
        for folder in (".", "templates", "assets")
        for path in sorted((files("rebuilders.site") / folder).iterdir(), key=lambda path: path.name)
        if path.is_file()
    ]
    sources = [(witness.authority, witness.source.url, witness.source.operator) for witness in witnesses]
    return sha256_hex(repr((__version__, about, sources, program)).encode("utf-8", "backslashreplace"))


def check_distinct(sources: Sequence[Source]) -> None:
    """Raises InputError if there is none, or one twice."""
    origins = [source.identity.log_key.public_key for source in sources]
    if not sources or len(set(origins)) != len(origins):
        raise InputError("no log, or one log twice", hint="Name each node once.")
