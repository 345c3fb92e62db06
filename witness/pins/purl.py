"""Package URLs (purl-spec), as SBOMs name packages with them. Pure."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from witness.errors import Malformed

_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class PackageUrl:
    """A package URL's parts, decoded. `version` is empty where there is none."""

    type: str
    name: str
    version: str
    qualifiers: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> "PackageUrl":
        """Raises Malformed for anything that is no package URL."""
        scheme, separator, rest = text.partition(":")
        if len(text) > _MAX or not separator or scheme.lower() != "pkg":
            raise Malformed("not a package URL")
        rest, _, _ = rest.partition("#")
        rest, _, query = rest.partition("?")
        path, _, version = rest.strip("/").partition("@")
        type_, separator, name = path.partition("/")
        if not separator or not type_ or not name:
            raise Malformed("a package URL without type or name")
        try:
            qualifiers = parse_qsl(query, strict_parsing=bool(query), max_num_fields=20)
        except ValueError as error:
            raise Malformed(f"a package URL whose qualifiers are none: {error}") from None
        return cls(
            type_.lower(), unquote(name), unquote(version), {key.lower(): value for key, value in qualifiers}
        )
