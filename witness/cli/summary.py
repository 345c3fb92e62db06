"""`wheelwitness summary`: checks what a consumer signed with `check --format svr`."""

from pathlib import Path
from typing import Annotated

import typer


def summary(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The signed summary.", show_default=False)],
    wheels: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[WHEEL]...", help="Files that it must name as accepted.", show_default=False),
    ] = None,
    *,
    key: Annotated[
        list[str],
        typer.Option(
            "--key",
            envvar="WHEELWITNESS_KEY",
            help="The key that must have signed it, as ed25519:… or a file in PEM. May be given several times.",
            show_default=False,
        ),
    ],
) -> None:
    """Checks a signed summary, and whether it names WHEELs as accepted.

    It is as good as the word of whoever holds the key: no witness is asked.

    \b
    Examples:
      wheelwitness summary summary.json --key ed25519:68oBbEtlpNg/4DQY05qMfgKoNF9uJBXJCurxShlKjdI=
      wheelwitness summary summary.json demo-1.0-py3-none-any.whl --key gate.pub.pem

    \b
    Exit codes:
      0  it is signed by one of the keys, and names every WHEEL
      1  it is not signed by any of them, or does not name a WHEEL
      2  usage, or a file that cannot be used
    """
    from witness.errors import InputError
    from witness.escape import printable
    from witness.limits import MAX_SUMMARY
    from witness.observation import format_time
    from witness.pins.wheels import read_wheel
    from witness.pubkeys import read_key
    from witness.summary import open_summary

    keys = [read_key(text) for text in key]
    digests = {path: next(iter(read_wheel(path).sha256)) for path in wheels or ()}
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_SUMMARY + 2)
    except OSError as error:
        raise InputError(f"{printable(str(file))}: {error.strerror}") from None
    told = open_summary(data.removesuffix(b"\n"), keys)
    policy = " and ".join(f"{printable(name)} sha256:{digest}" for name, digest in told.policies)
    typer.echo(f"{len(told.accepted)} accepted at {format_time(told.created)} by {policy}")
    accepted = {item.sha256 for item in told.accepted}
    missing = [path for path, digest in digests.items() if digest not in accepted]
    for item in told.accepted if not wheels else ():
        verdict = printable(f"{item.verdict}, {item.level}")
        typer.echo(f"  {printable(item.filename)} sha256:{item.sha256}: {verdict}")
    for path in missing:
        typer.echo(f"  not accepted: {printable(str(path))} sha256:{digests[path]}")
    raise typer.Exit(1 if missing else 0)
