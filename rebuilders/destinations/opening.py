"""From what an operator writes, a URL and a few words, to the destination that it means."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from rebuilders.destinations.directory import DirectoryDestination
from rebuilders.destinations.interface import Destination
from rebuilders.destinations.objects import VARIABLES, open_objects
from rebuilders.destinations.rsync import RsyncDestination, is_rsync
from witness.errors import InputError
from witness.escape import printable

_FORMS: Final = (
    "file:///srv/www/node, s3://bucket/prefix, gs://…, az://…, rsync://host/module/path, user@host:path"
)


def open_destination(
    url: str,
    environment: Mapping[str, str],
    *,
    variables: str = "",
    endpoint: str = "",
    region: str = "",
    gzipped: bool = False,
    site: Path | None = None,
) -> Destination:
    """The destination at `url`.

    Args:
        url: one of `_FORMS`; it holds no password.
        environment: where credentials are looked for.
        variables: what stands before the usual names of those variables.
        endpoint: see `open_objects`.
        region: see `open_objects`.
        gzipped: see `open_objects`.
        site: what will be copied, which a directory must be apart from.

    Raises:
        InputError: it is none of them, or cannot be used.
    """
    check_url(url)
    scheme = urlsplit(url).scheme if "://" in url else ""
    if scheme == "file":
        return DirectoryDestination(_apart(Path(unquote(urlsplit(url).path)), site))
    if scheme in VARIABLES:
        known = {
            name: environment[f"{variables}{name}"]
            for name in VARIABLES[scheme]
            if f"{variables}{name}" in environment
        }
        return open_objects(url, known, endpoint=endpoint, region=region, gzipped=gzipped)
    return RsyncDestination(url)


def variables_of(url: str, prefix: str) -> frozenset[str]:
    """The names of the environment variables that a process must have to open the destination at `url`."""
    if is_rsync(url):
        return frozenset({"RSYNC_PASSWORD", "RSYNC_RSH", "SSH_AUTH_SOCK"})
    names = VARIABLES.get(urlsplit(url).scheme, ())
    return frozenset(names) | {f"{prefix}{name}" for name in names}


def check_url(url: str) -> None:
    """Raises `InputError` unless `url` has one of the forms that are known, and holds no password."""
    shown = printable(url, limit=200)
    if is_rsync(url):
        return
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        raise InputError(f"{shown}: not a URL", hint=f"Such as {_FORMS}.") from None
    if password is not None or (parts.scheme in VARIABLES and "@" in parts.netloc):
        raise InputError(
            "destination: a URL with a password in it",
            hint="Put credentials into the environment: see docs/how-to/host-a-site.md.",
        )
    if parts.query or parts.fragment:
        raise InputError(f"{shown}: a destination has no ? and no #")
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return
    if parts.scheme in VARIABLES and parts.netloc:
        return
    raise InputError(f"{shown}: not a destination", hint=f"Such as {_FORMS}.")


def _apart(root: Path, site: Path | None) -> Path:
    if site is not None:
        here, there = site.resolve(), root.resolve()
        if here == there or here in there.parents or there in here.parents:
            raise InputError(
                f"{root}: is the site itself, or within it, or around it", hint="Choose another directory."
            )
    return root
