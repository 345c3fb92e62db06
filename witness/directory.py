"""The members of a network, as its directory names them: bytes in, checked values out. Pure.

A directory is a list to choose from. It gives nobody a vote: a policy names the members that it believes, and who runs
them. Who may say what is in it, and how it is kept fresh, is for The Update Framework (witness.directories).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from witness import canonical
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.keys import PublicKey
from witness.limits import MIB
from witness.note import VerifierKey
from witness.observation import Short, Wire
from witness.tlog.cosignature import CosignerKey

SCHEMA: Final = "directory/1"
TARGET: Final = "directory.json"  # its name in the repository
MAX_DIRECTORY: Final = 1 * MIB
MAX_MEMBERS: Final = 1000

_Key = Annotated[str, Field(max_length=4000)]


class Member(Wire):
    """A node: what a `[[witness]]` of a policy says, and where it stands by its own word."""

    name: Short
    operator: Short
    url: Short
    log_key: _Key
    keys: Annotated[tuple[_Key, ...], Field(min_length=1, max_length=16)]
    cosigner_key: _Key | None = None
    country: Short | None = None
    platform: Short | None = None
    hosting: Short | None = None


class _File(Wire):
    schema_: Literal["directory/1"] = Field(alias="schema")
    members: Annotated[tuple[Member, ...], Field(max_length=MAX_MEMBERS)]


@dataclass(frozen=True, slots=True)
class Directory:
    """The members, by name, each name once, and the digest of the file that names them."""

    members: tuple[Member, ...]
    sha256: str = field(default="", compare=False)

    def member(self, name: str) -> Member | None:
        """The one of this name."""
        return next((member for member in self.members if member.name == name), None)


def parse(data: bytes) -> Directory:
    """The directory in `data`.

    Raises:
        Malformed: too large, not JSON, of another form, a member twice, a key that is none, or an address that is no
            web address. The local files of whoever reads it are none of a directory's business.
    """
    value = canonical.loads(data, what=TARGET, limit=MAX_DIRECTORY)
    try:
        file = _File.model_validate_json(canonical.dumps(value))
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Malformed(f"{TARGET}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}"[:300]) from None
    names = [member.name for member in file.members]
    for number, member in enumerate(file.members):
        if member.name in names[:number]:
            raise Malformed(f"{TARGET}: members.{number}: a name twice")
        try:
            _check(member)
        except Malformed as error:
            raise Malformed(f"{TARGET}: members.{number}: {error}") from None
    return Directory(file.members, sha256_hex(data))


def encode(directory: Directory) -> bytes:
    """RFC 8785 bytes. `parse(encode(directory)).members == directory.members`."""
    return canonical.dumps({"members": [member.wire() for member in directory.members], "schema": SCHEMA})


def changes(old: Directory, new: Directory) -> Iterator[tuple[str, str]]:
    """What a reader of `old` should know of `new`: a member's name, and what is new about it."""
    for member in new.members:
        before = old.member(member.name)
        if before is None:
            yield member.name, "is new"
            continue
        fields = [name for name in Member.model_fields if getattr(before, name) != getattr(member, name)]
        for name in fields:
            yield member.name, f"has another {name.replace('_', '-')} than before"
    for member in old.members:
        if new.member(member.name) is None:
            yield member.name, "is gone"


def _check(member: Member) -> None:
    VerifierKey.parse(member.log_key)
    for key in member.keys:
        PublicKey.parse(key)
    if member.cosigner_key is not None:
        CosignerKey.parse(member.cosigner_key)
    if not member.url.startswith(("https://", "http://")):
        raise Malformed("url: not a web address")
    for text in (member.name, member.operator, member.url):
        if not text.strip() or not text.isprintable():
            raise Malformed("name, operator or url: empty, or not printable")
