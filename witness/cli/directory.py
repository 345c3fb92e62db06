"""`wheelwitness directory`: lists of a network's members, signed by whoever keeps them."""

from pathlib import Path
from typing import Annotated

import typer

from witness.cli.options import PolicyOption, QuietOption
from witness.program import Commands

directory = typer.Typer(
    name="directory",
    cls=Commands,
    help="Lists of the members of a network, from which your policy can take addresses and keys. They lie beside your "
    "policy, and give nobody a vote.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
OneArgument = Annotated[
    str, typer.Argument(metavar="[NAME]", help="Its members. Default: which there are.", show_default=False)
]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="What you call it here.", show_default=False)
]


@directory.command()
def add(
    name: NameArgument,
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Where its TUF repository is, or a path.",
            show_default=False,
        ),
    ],
    *,
    root: Annotated[
        Path,
        typer.Option(envvar="WHEELWITNESS_ROOT", help="Its TUF root, which you trust.", show_default=False),
    ],
    policy: PolicyOption = None,
    quiet: QuietOption = False,
) -> None:
    """Pins a directory by its TUF root, and fetches it.

    \b
    Example:
      wheelwitness directory add example https://directory.example/ --root root.json

    Exit codes: as of `wheelwitness directory update`. If it cannot be fetched, it stays added.
    """
    from witness.config import default_policy_path
    from witness.directories import MAX_ROOT, Directories
    from witness.errors import InputError
    from witness.escape import printable

    try:
        with root.open("rb") as file:
            data = file.read(MAX_ROOT + 1)
    except OSError as error:
        raise InputError(
            f"--root {printable(str(root))}: {error.strerror}", hint="Get it from who keeps the directory."
        ) from None
    Directories(policy or default_policy_path()).add(name, url, data)
    _update(name, policy, quiet=quiet)


@directory.command()
def update(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Default: all of them.", show_default=False)
    ] = None,
    *,
    policy: PolicyOption = None,
    quiet: QuietOption = False,
) -> None:
    """Fetches what is new, verified by TUF, and says which members and keys have changed.

    \b
    Example:
      wheelwitness directory update

    \b
    Exit codes:
      0  up to date
      1  what is served does not verify
      2  usage, or what is served is no directory
      5  unreachable, expired, or older than what was seen before; what is here stays
    """
    from witness.config import default_policy_path
    from witness.directories import Directories
    from witness.errors import InputError

    wanted = names or Directories(policy or default_policy_path()).names
    if not wanted:
        raise InputError("no directory was added", hint="`wheelwitness directory add` does.")
    for name in wanted:
        _update(name, policy, quiet=quiet)


@directory.command(name="list")
def list_(
    name: Annotated[str, typer.Argument(metavar="[NAME]", show_default=False)] = "",
    *,
    policy: PolicyOption = None,
) -> None:
    """Lists the directories that were added, or the members of one.

    \b
    Examples:
      wheelwitness directory list
      wheelwitness directory list example
    """
    from datetime import UTC, datetime

    from witness.config import default_policy_path
    from witness.directories import Directories
    from witness.escape import printable
    from witness.observation import format_time

    held = Directories(policy or default_policy_path())
    if not name:
        for one in held.names:
            source = held.source(one)
            until = f"until {format_time(source.expires)}" if source.expires else "never fetched"
            typer.echo(f"{one}: {printable(source.url)}, {until}")
        return
    for member in held.read(name, datetime.now(UTC)).members:
        typer.echo(f"{printable(member.name)} ({printable(member.operator)}): {printable(member.url)}")
        places = [text for text in (member.country, member.platform, member.hosting) if text]
        if places:
            typer.echo(f"  says of itself: {printable(', '.join(places))}")
        for key in (member.log_key, *member.keys, member.cosigner_key):
            if key:
                typer.echo(f"  {printable(key, limit=4000)}")


@directory.command()
def remove(name: NameArgument, *, policy: PolicyOption = None) -> None:
    """Forgets a directory, and what was seen of it.

    \b
    Example:
      wheelwitness directory remove example
    """
    from witness.config import default_policy_path
    from witness.directories import Directories

    Directories(policy or default_policy_path()).remove(name)


def _update(name: str, policy: Path | None, *, quiet: bool) -> None:
    from witness.config import default_policy_path
    from witness.directories import Directories
    from witness.escape import printable
    from witness.fetch import HttpFetcher
    from witness.observation import format_time

    fetcher = HttpFetcher()
    try:
        done = Directories(policy or default_policy_path()).update(name, fetcher)
    finally:
        fetcher.close()
    for member, text in done.changes:
        typer.echo(f"{name}: {printable(member)} {text}")
    if not quiet:
        typer.echo(f"{name}: {len(done.directory.members)} members, until {format_time(done.expires)}")
