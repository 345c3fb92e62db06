"""The form of a Sigstore bundle as an entry of a log: version 0.3, as sigstore-python writes it, in RFC 8785.

One text for each value, which sigstore-python's own reader does not ask for: it passes over stray characters in
Base64, takes keys in two spellings, and older versions of the format. Nothing is verified here.
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationError

from witness import canonical
from witness.base64text import decode_base64
from witness.errors import Malformed
from witness.escape import printable
from witness.limits import MAX_ENTRY
from witness.observation import Wire
from witness.statement import PAYLOAD_TYPE

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
_MAX_TIMESTAMPS: Final = 4
_MAX_PROOF: Final = 64  # hashes, for a tree of any size that has a number of 64 bits


def _base64(text: str) -> str:
    try:
        decode_base64(text, what="bytes")
    except Malformed as error:
        raise ValueError(str(error)) from None
    return text


def _number(text: str) -> str:
    if not (text.isascii() and text.isdigit()) or str(int(text)) != text or int(text) >= 2**63:
        raise ValueError("not a number in its one form")
    return text


def _payload_type(text: str) -> str:
    if text != PAYLOAD_TYPE:
        raise ValueError(f"not {PAYLOAD_TYPE}")
    return text


_Bytes = Annotated[str, Field(min_length=4), AfterValidator(_base64)]
_Number = Annotated[str, Field(min_length=1, max_length=19), AfterValidator(_number)]
_Word = Annotated[str, Field(min_length=1, max_length=40)]


class _Signature(Wire):
    sig: _Bytes


class _Envelope(Wire):
    payload: _Bytes
    payload_type: Annotated[str, AfterValidator(_payload_type)]
    signatures: Annotated[list[_Signature], Field(min_length=1, max_length=1)]


class _RawBytes(Wire):
    raw_bytes: _Bytes


class _Timestamp(Wire):
    signed_timestamp: _Bytes


class _Timestamps(Wire):
    rfc3161_timestamps: Annotated[
        list[_Timestamp], Field(alias="rfc3161Timestamps", max_length=_MAX_TIMESTAMPS)
    ]


class _LogId(Wire):
    key_id: _Bytes


class _KindVersion(Wire):
    kind: _Word
    version: _Word


class _Promise(Wire):
    signed_entry_timestamp: _Bytes


class _Checkpoint(Wire):
    envelope: str


class _Proof(Wire):
    checkpoint: _Checkpoint
    hashes: Annotated[list[_Bytes], Field(max_length=_MAX_PROOF)]
    log_index: _Number
    root_hash: _Bytes
    tree_size: _Number


class _LogEntry(Wire):
    canonicalized_body: _Bytes
    inclusion_promise: _Promise | None = None
    inclusion_proof: _Proof
    integrated_time: _Number | None = None
    kind_version: _KindVersion
    log_id: _LogId
    log_index: _Number


class _Material(Wire):
    certificate: _RawBytes
    timestamp_verification_data: _Timestamps
    tlog_entries: Annotated[list[_LogEntry], Field(min_length=1, max_length=1)]


class _Bundle(Wire):
    dsse_envelope: _Envelope
    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"]
    verification_material: _Material


def check(entry: bytes) -> None:
    """Returns if `entry` is a Sigstore bundle around one signed in-toto statement, in its one form.

    Raises:
        Malformed: too large, not canonical, unknown or missing keys, another version or payload type, other than
            one signature and one entry of a log, or Base64 or a number in another form than the canonical one.
    """
    value = canonical.loads_canonical(entry, what="Sigstore bundle", limit=MAX_ENTRY)
    try:
        parsed = _Bundle.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = printable(f"{where}: {first['msg']}", limit=200)
        raise Malformed(f"Sigstore bundle: {said}") from None
    # Keys in the other spelling, and explicit nulls, are what the models let pass.
    if parsed.wire() != value:
        raise Malformed("Sigstore bundle: not in its one form")


def canonical_form(text: str) -> bytes:
    """The entry for a bundle that sigstore-python wrote.

    Raises:
        Malformed: it is no bundle that `check` accepts, or larger than an entry can be.
    """
    value = canonical.loads(text.encode(), what="Sigstore bundle", limit=2 * MAX_ENTRY)
    entry = canonical.dumps(value)
    check(entry)
    return entry
