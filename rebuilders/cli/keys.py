"""`rebuilder keys`: the keys by which a node signs observations and cosigns, from one to the next."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument
from witness.errors import InputError
from witness.program import Commands

keys = typer.Typer(
    name="keys",
    cls=Commands,
    help="Replace or revoke the key by which a node signs observations, replace its cosigner's, and list its keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class CosignerAlgorithm(StrEnum):
    """Of a cosigner's key (c2sp.org/tlog-cosignature)."""

    ED25519 = "ed25519"
    ML_DSA_44 = "ml-dsa-44"


@keys.command()
def rotate(
    directory: NodeArgument,
    expires: Annotated[
        datetime | None,
        typer.Option(
            envvar="WHEELWITNESS_EXPIRES",
            formats=["%Y-%m-%d"],
            help="The last day, in UTC, of observations that the new key may sign. Default: no end.",
            show_default=False,
        ),
    ] = None,
    next_: Annotated[
        bool,
        typer.Option(
            "--next", envvar="WHEELWITNESS_NEXT", help="Change to the key of [signer.next] in node.toml."
        ),
    ] = False,
    log: Annotated[
        bool,
        typer.Option("--log", envvar="WHEELWITNESS_LOG", help="Not this key, but the log's."),
    ] = False,
    cosigner: Annotated[
        CosignerAlgorithm | None,
        typer.Option(
            envvar="WHEELWITNESS_COSIGNER",
            help="Not this key, but the cosigner's: it gets a second one, of this algorithm.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Put a new key in the place of the one that signs observations, and say so in the log.

    A new key is made in a file, in the place of the old one's, which is destroyed. With --log, the log says so in each
    checkpoint. With --cosigner, nothing is destroyed: the cosigner signs by both of its keys, until `rebuilder keys
    retire`.

    \b
    Examples:
      rebuilder keys rotate node --expires 2027-12-31
      rebuilder keys rotate node --next
      rebuilder keys rotate node --log
      rebuilder keys rotate node --cosigner ml-dsa-44

    Exit codes: 0 done, 2 usage, or the node's key may not be replaced, 5 could not complete.
    """
    from datetime import UTC

    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.signer import add_cosigner_key_apart, rotate_apart, rotate_log_apart

    if (log or cosigner is not None) and (expires or next_):
        raise InputError(
            "--log, --cosigner: not with --expires or --next", hint="Those are for observations."
        )
    if log and cosigner is not None:
        raise InputError("--log and --cosigner: one key at a time", hint="Give the command twice.")
    if log:
        moved = rotate_log_apart(NodeDirectory(directory))
        typer.echo(f"{moved['key']} signs the log from {moved['size']} entries on")
        typer.echo(f"Policies and peers go on to name {moved['known']}")
        return
    if cosigner is not None:
        told = add_cosigner_key_apart(NodeDirectory(directory), cosigner.value)
        typer.echo(f'cosigner-key = "{told["keys"][-1]}"')
        typer.echo("It cosigns from now on, and so does the key before it, until: rebuilder keys retire.")
        return

    until = expires.replace(hour=23, minute=59, second=59, tzinfo=UTC) if expires else None
    done = rotate_apart(NodeDirectory(directory), until, configured=next_)
    typer.echo(f"entry {done['index']}: {done['key']} signs from now on")


@keys.command()
def retire(directory: NodeArgument) -> None:
    """Destroy the older of the cosigner's two keys, once peers and policies name the newer one.

    \b
    Example:
      rebuilder keys retire node

    Exit codes: 0 done, 2 usage, or the cosigner has one key only, 5 could not complete.
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.signer import retire_cosigner_key_apart

    told = retire_cosigner_key_apart(NodeDirectory(directory))
    typer.echo(f"{told['keys'][-1]} cosigns alone from now on")


@keys.command()
def revoke(
    directory: NodeArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="As `keys list` writes it.", show_default=False)],
    from_: Annotated[
        int | None,
        typer.Option(
            "--from",
            envvar="WHEELWITNESS_FROM",
            min=0,
            help="The first entry of the log that shall not count. Default: the next one.",
            show_default=False,
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option(envvar="WHEELWITNESS_REASON", help="What consumers will read.")
    ] = "no reason given",
) -> None:
    """Say in the log that what KEY has signed from an entry on does not count.

    \b
    Example:
      rebuilder keys revoke node ed25519:68oBbEtlpNg/4DQY05qMfgKoNF9uJBXJCurxShlKjdI= --from 4711 --reason stolen

    Exit codes: 0 done, 2 usage, or consumers would not hear it, 5 could not complete.
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.signer import revoke_apart

    done = revoke_apart(NodeDirectory(directory), key, from_, reason)
    typer.echo(f"entry {done['index']}: revoked")


@keys.command("list")
def list_(directory: NodeArgument) -> None:
    """Print the node's keys with the entries of the log that they sign, and the line for policies.

    \b
    Example:
      rebuilder keys list node
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.rotation import described, listed, listed_log

    followed = listed(NodeDirectory(directory))
    for line in [*described(followed), *listed_log(NodeDirectory(directory))]:
        typer.echo(line)
    texts = ", ".join(f'"{span.key.text}"' for span in followed.chain.spans)
    typer.echo(f"keys = [{texts}]")


@keys.command()
def text(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A public key, in PEM or DER.", show_default=False)
    ],
) -> None:
    """Print a public key, such as an HSM gives it out, as node.toml and policies write it.

    \b
    Example:
      rebuilder keys text public.der
    """
    from rebuilders.node.rotation import public_key_in

    typer.echo(public_key_in(file))
