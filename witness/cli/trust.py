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
