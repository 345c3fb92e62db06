"""`wheelwitness trust`: whom the policy believes, and what became of their keys."""

from typing import Annotated

import typer

from witness.cli.options import PolicyOption, StateOption
from witness.program import Commands

trust = typer.Typer(
    name="trust",
    cls=Commands,
    help="Whom your policy believes, and what became of their keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@trust.command()
def add(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="An https address, or a directory of a node's files.", show_default=False
        ),
    ],
    *,
    policy: PolicyOption = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            envvar="WHEELWITNESS_KEY",
            help="A key that you expect the node to have; may be given several times.",
            show_default=False,
        ),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(
            "--operator",
            envvar="WHEELWITNESS_OPERATOR",
            help="Who runs it, as you know it. Default: what the node says.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            envvar="WHEELWITNESS_YES",
            help="Do not ask. Needs every key of the node as --key.",
        ),
    ] = False,
    state: StateOption = None,
) -> None:
    """Shows a node, its keys and its log, asks, and writes it into your policy as a witness.

    Anybody can say that he is Operator A. Compare a key with what the operator tells you by another way: over the
    telephone, on paper, on a page that you trust.

    \b
    Examples:
      wheelwitness trust add https://node-a.example/
      wheelwitness trust add /mnt/mirror/node-a --policy policy.toml

    \b
    Exit codes:
      0  it is in the policy
      1  not the node that you expect, its log is not that of its keys, or you said no
      2  usage, or a policy that cannot be edited
      5  the node could not be reached
    """
    from dataclasses import replace

    from witness import policyfile
    from witness.config import default_policy_path, default_state_path
    from witness.escape import printable
    from witness.fetch import HttpFetcher
    from witness.trusting import expect, location_of, look

    path = policy or default_policy_path()
    text, shown = policyfile.read(path), printable(str(path))
    location = location_of(url)
    fetcher = HttpFetcher()
    try:
        seen = look(location, fetcher, state or default_state_path())
    finally:
        fetcher.close()
    expect(seen.node, key or (), every=yes)
    identity = seen.node.identity
    identity = replace(identity, operator=operator) if operator else identity
    edited = policyfile.with_witness(text, identity, location, name=shown)
    typer.echo("\n".join(seen.lines()))
    if not yes:
        _ask(f"Are these the keys of {printable(identity.operator)}, and do you trust them?")
    policyfile.write(path, edited)
    typer.echo(f"{shown}: names {printable(identity.name)} ({printable(identity.operator)})")
    if problem := policyfile.unmet(edited, name=shown):
        typer.echo(f"not usable yet: {problem}")


def _ask(question: str) -> None:
    """Returns if somebody at a terminal says yes."""
    import sys

    from witness.errors import InputError

    if not sys.stdin.isatty():
        hint = "Run it on a terminal, or give --yes and every key that you expect as --key."
        raise InputError("nobody is there to be asked, so nothing was trusted", hint=hint)
    if not typer.confirm(question, default=False):
        typer.echo("nothing was trusted")
        raise typer.Exit(1)


@trust.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The witness's name.", show_default=False)],
    *,
    policy: PolicyOption = None,
) -> None:
    """Takes a witness out of your policy.

    \b
    Example:
      wheelwitness trust remove node-a.example

    \b
    Exit codes:
      0  it is no longer in the policy
      2  usage, a policy that cannot be edited, or no such witness
    """
    from witness import policyfile
    from witness.config import default_policy_path
    from witness.escape import printable

    path = policy or default_policy_path()
    shown = printable(str(path))
    edited = policyfile.without_witness(policyfile.read(path), name, name=shown)
    policyfile.write(path, edited)
    typer.echo(f"{shown}: no longer names {printable(name)}")
    if problem := policyfile.unmet(edited, name=shown):
        typer.echo(f"not usable now: {problem}")


@trust.command("list")
def list_(
    *,
    policy: PolicyOption = None,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask/--no-ask",
            envvar="WHEELWITNESS_ASK",
            help="Whether to ask each witness for its key events, besides those that were seen before.",
        ),
    ] = False,
    state: StateOption = None,
) -> None:
    """Prints each witness of the policy: operator, keys and the entries of its log that they sign, key events, and the
    newest checkpoint that was seen.

    \b
    Examples:
      wheelwitness trust list
      wheelwitness trust list --ask --policy policy.toml

    \b
    Exit codes:
      0  it was listed
      1  a witness's events hold what no witness who keeps to the rules would say
      2  the policy cannot be used
      5  a witness could not be asked, or what is remembered cannot be read
    """
    from witness.config import load_policy
    from witness.fetch import HttpFetcher
    from witness.trusted import list_trusted
    from witness.wiring import open_keys

    loaded = load_policy(policy)
    fetcher = HttpFetcher()
    try:
        watch, remembered = open_keys(loaded, fetcher, ask=ask, state=state)
        listed = list_trusted(loaded.policy, watch, remembered)
    finally:
        fetcher.close()
    typer.echo(listed.text, nl=False)
    raise typer.Exit(listed.exit_code)
