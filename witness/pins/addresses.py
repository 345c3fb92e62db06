"""Names of files at the end of addresses and paths. Pure."""

from urllib.parse import unquote, urlsplit

_SUFFIXES = (".whl", ".tar.gz", ".zip")


def last_part(address: str) -> str:
    """The name at the end of an address or path, decoded once; where that is of no distribution, one in its fragment.

    Empty where there is none: what is not an address names nothing.
    """
    try:
        parts = urlsplit(address.replace("\\", "/"))
    except ValueError:
        return ""
    name, fragment = unquote(parts.path.rsplit("/", 1)[-1]), unquote(parts.fragment)
    if name.endswith(_SUFFIXES) or not fragment.endswith(_SUFFIXES) or "/" in fragment or "=" in fragment:
        return name
    return fragment
