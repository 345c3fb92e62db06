"""One differing member as both wheels have it: what every class of difference, and every view of it, looks at. Pure."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from witness.differences.fields import STRUCTURED, Change, changes
from witness.errors import Malformed
from witness.observation import Difference
from witness.wheel.manifest import Member
from witness.wheel.reader import Wheel

MAX_READ: Final = 4 * 1024 * 1024  # bytes of one member that are looked into


@dataclass(frozen=True)
class Pair:
    """A difference between two wheels, and the contents behind it.

    `look_inside` is False where the contents are not to be read, and `thorough` where nothing slow is to be tried:
    then a difference is classed by its name alone, which never makes it look smaller than it is.
    """

    published: Wheel
    rebuilt: Wheel
    difference: Difference
    look_inside: bool = True
    thorough: bool = True

    @property
    def path(self) -> str:
        return self.difference.path

    @property
    def kind(self) -> str:
        return self.difference.kind

    @property
    def members(self) -> tuple[Member | None, Member | None]:
        """The member of the published and of the rebuilt wheel; None where there is none of that path."""
        return self.published.members.get(self.path), self.rebuilt.members.get(self.path)

    @property
    def below_dist_info(self) -> str:
        """The path below `.dist-info`, or nothing for payload."""
        for wheel in (self.published, self.rebuilt):
            if self.path.startswith(f"{wheel.dist_info}/"):
                return self.path[len(wheel.dist_info) + 1 :]
        return ""

    @cached_property
    def contents(self) -> tuple[bytes | None, bytes | None]:
        """Both contents; None where it is absent, too large, or not to be looked into."""
        ours, theirs = self.members
        return self._read(self.published, ours), self._read(self.rebuilt, theirs)

    @cached_property
    def both(self) -> tuple[bytes, bytes] | None:
        """The contents, where the bytes differ and can be looked into."""
        ours, theirs = self.contents if self.kind == "content" else (None, None)
        return None if ours is None or theirs is None else (ours, theirs)

    @cached_property
    def texts(self) -> tuple[str, str] | None:
        """The contents as text, where both are UTF-8."""
        if self.both is None:
            return None
        ours, theirs = map(text_of, self.both)
        return None if ours is None or theirs is None else (ours, theirs)

    @cached_property
    def changes(self) -> tuple[Change, ...] | None:
        """What differs by field, for a member of `.dist-info` that has fields; None where that cannot be said."""
        name = self.below_dist_info
        if name not in STRUCTURED:
            return None
        ours, theirs = (self._field_text(side) for side in (0, 1))
        return None if ours is None or theirs is None else changes(name, ours, theirs)

    def _field_text(self, side: int) -> str | None:
        if self.members[side] is None:
            return ""
        content = self.contents[side]
        return None if content is None else text_of(content)

    def _read(self, wheel: Wheel, member: Member | None) -> bytes | None:
        if member is None or not self.look_inside or member.size > MAX_READ:
            return None
        try:
            return wheel.read(member.path, limit=MAX_READ)
        except Malformed:
            return None


def text_of(content: bytes) -> str | None:
    """`content` as text; None if it is none."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
