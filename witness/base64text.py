"""Base64 with one text for each value: RFC 4648 section 4, padded, and nothing else."""

import binascii

from witness.errors import Malformed


def encode_base64(data: bytes) -> str:
    """The padded standard Base64 of `data`, without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str, *, what: str) -> bytes:
    """The bytes whose only Base64 is `text`. `what` names the field in errors.

    Raises:
        Malformed: another alphabet, missing or wrong padding, stray characters, or bits left over at the end.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Malformed(f"{what}: not Base64") from None
    # The decoder drops the unused bits of the last digit, so two texts could otherwise mean one value. In a text of
    # just as many digits as the value takes, only a last group that is padded has such bits.
    odd = len(data) % 3
    if len(text) != -(-len(data) // 3) * 4 or (odd and encode_base64(data[-odd:]) != text[-4:]):
        raise Malformed(f"{what}: Base64 in another form than the canonical one")
    return data
