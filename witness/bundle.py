"""Bundles: an entry of a log with the proof that it is there, all that is needed to check an observation offline.

A bundle is one line of RFC 8785 JSON; `encode(parse(line)) == line`. That of an observation that was committed to
before it was revealed has the opening besides. A shard is every bundle that a node holds of one
artifact, newest last, as JSON Lines. Nothing in here is verified (witness.verification does).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from witness import canonical
from witness.base64text import decode_base64, encode_base64
from witness.commitment import Opening
from witness.entry import kind_of
from witness.errors import Malformed
from witness.limits import MAX_BUNDLE, MAX_ENTRY, MAX_SHARD
from witness.tlog.proof import Proof

MEDIA_TYPE: Final = "application/vnd.wheelwitness.bundle.v1+json"
# Without a commitment. RFC 8785 has no other text for these values: it escapes only what no proof holds but line feeds.
_USUAL: Final = re.compile(
    rb'\{"entry":"([^"]*)","kind":"(dsse|sigstore)","mediaType":"%b","tlogProof":"([^"\\\x00-\x1f]*(?:\\n[^"\\\x00-\x1f]*)*)"\}'
    % re.escape(MEDIA_TYPE.encode())
)
_KEYS: Final = {"entry", "kind", "mediaType", "tlogProof"}  # and perhaps commitment


@dataclass(frozen=True, slots=True)
class Bundle:
    """The exact bytes of a log's entry, its well-formed proof, and what shows an earlier commitment to it, if any."""

    entry: bytes
    proof: Proof
    opening: Opening | None = None


def shard_path(sha256: str) -> str:
    """Where a node's site has the shard of the artifact with this digest."""
    return f"observations/{sha256[:2]}/{sha256}.jsonl"


def artifact_of(path: str) -> str:
    """The digest that `shard_path` was given for `path`."""
    return path.rpartition("/")[2].removesuffix(".jsonl")


def encode(bundle: Bundle) -> bytes:
    """The bundle's line, without a line feed.

    Raises:
        Malformed: larger than a bundle may be.
    """
    value: dict[str, Any] = {
        "entry": encode_base64(bundle.entry),
        "kind": kind_of(bundle.entry),
        "mediaType": MEDIA_TYPE,
        "tlogProof": bundle.proof.text,
    }
    if bundle.opening is not None:
        value["commitment"] = bundle.opening.wire()
    data = canonical.dumps(value)
    if len(data) > MAX_BUNDLE:
        raise Malformed(f"bundle: {len(data)} bytes, more than the {MAX_BUNDLE} allowed")
    return data


def parse(line: bytes) -> Bundle:
    """The bundle in `line`, which has no line feed.

    Raises:
        Malformed: too large, not canonical, unknown or missing keys, another kind, or a malformed proof.
    """
    value = _usual(line) or canonical.loads_canonical(line, what="bundle", limit=MAX_BUNDLE)
    if not isinstance(value, dict) or set(value) - {"commitment"} != _KEYS:
        raise Malformed("bundle: not an object with exactly entry, kind, mediaType and tlogProof")
    if value["mediaType"] != MEDIA_TYPE:
        raise Malformed(f"bundle: mediaType is not {MEDIA_TYPE}")
    entry = decode_base64(_text(value, "entry"), what="bundle: entry")
    if len(entry) > MAX_ENTRY:
        raise Malformed(f"bundle: an entry of {len(entry)} bytes, more than the {MAX_ENTRY} allowed")
    if value["kind"] != kind_of(entry):
        raise Malformed("bundle: kind is not that of its entry")
    opening = Opening.parse(value["commitment"]) if "commitment" in value else None
    return Bundle(entry, Proof.parse(_text(value, "tlogProof")), opening)


def encode_shard(bundles: Iterable[Bundle]) -> bytes:
    """The file for `bundles`, newest last."""
    return b"".join(encode(bundle) + b"\n" for bundle in bundles)


def parse_shard(data: bytes) -> tuple[Bundle, ...]:
    """The bundles in a shard file, newest last; there is at least one.

    Raises:
        Malformed: too large, empty, cut off, or a line that is not a bundle.
    """
    if len(data) > MAX_SHARD:
        raise Malformed(f"shard: {len(data)} bytes, more than the {MAX_SHARD} allowed")
    if not data.endswith(b"\n"):
        raise Malformed("shard: does not end with a line feed")
    return tuple(parse(line) for line in data[:-1].split(b"\n"))


def _usual(line: bytes) -> dict[str, str] | None:
    """The value of a line of the usual form, told at once. `entry` is canonical JSON only if it is Base64."""
    found = _USUAL.fullmatch(line) if len(line) <= MAX_BUNDLE else None
    if found is None:
        return None
    entry, kind, proof = found.groups()
    try:
        return {
            "entry": entry.decode("ascii"),
            "kind": kind.decode("ascii"),
            "mediaType": MEDIA_TYPE,
            "tlogProof": proof.replace(b"\\n", b"\n").decode("utf-8"),
        }
    except UnicodeDecodeError:
        return None


def _text(value: dict[str, Any], key: str) -> str:
    text = value[key]
    if not isinstance(text, str):
        raise Malformed(f"bundle: {key} is not a string")
    return text
