"""Names of files at the end of addresses and paths. Pure."""

from urllib.parse import unquote, urlsplit

_SUFFIXES = (".whl", ".tar.gz", ".zip")


def last_part(address: str) -> str:
    """The name at the end of an address or path, decoded once; that in its fragment, where that names a distribution.

    Empty where there is none: what is not an address names nothing.
    """
    try:
        parts = urlsplit(address.replace("\\", "/"))
    except ValueError:
        return ""
    fragment = unquote(parts.fragment)
    if fragment.endswith(_SUFFIXES) and "/" not in fragment and "=" not in fragment:
        return fragment
    return unquote(parts.path.rsplit("/", 1)[-1])
