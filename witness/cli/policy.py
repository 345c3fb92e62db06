"""`wheelwitness policy`: begins a policy, and says what to think of one."""

from pathlib import Path
from typing import Annotated

import typer

from witness.cli.options import PolicyOption
from witness.program import Commands

policy_commands = typer.Typer(
    name="policy",
    cls=Commands,
    help="Begin, examine and test a policy.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@policy_commands.command()
def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Where to write it. Default: policy.toml in your configuration directory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Writes a policy with comments, which names nobody yet.

    \b
    Examples:
      wheelwitness policy init
      wheelwitness policy init policy.toml

    \b
    Exit codes:
      0  it was written
      2  there is one already, or it cannot be written
    """
    from witness import policyfile
    from witness.config import default_policy_path
    from witness.escape import printable

    path = file or default_policy_path()
    policyfile.create(path)
    typer.echo(f"{printable(str(path))}: written. It names nobody yet: wheelwitness trust add URL")


@policy_commands.command()
def lint(*, policy: PolicyOption = None) -> None:
    """Says what is wrong or unwise in a policy.

    \b
    Examples:
      wheelwitness policy lint
      wheelwitness policy lint --policy policy.toml

    \b
    Exit codes:
      0  nothing to say
      1  something is unwise
      2  it cannot be used
    """
    from datetime import UTC, datetime

    from witness.config import load_policy
    from witness.escape import printable
    from witness.lint import lint as examine

    loaded = load_policy(policy)
    found = examine(loaded.policy, datetime.now(UTC).date())
    for item in found:
        typer.echo(f"{item.key}: {printable(item.problem)}")
        typer.echo(f"  wiser: {item.advice}")
    raise typer.Exit(1 if found else 0)


@policy_commands.command("test")
def run_cases(
    cases: Annotated[Path, typer.Argument(metavar="CASES", help="A TOML file of cases.", show_default=False)],
    *,
    policy: PolicyOption = None,
) -> None:
    """Holds a policy against recorded bundles, and the verdicts that it should come to. Asks nobody.

    \b
    Example:
      wheelwitness policy test cases.toml --policy policy.toml

    \b
    Exit codes:
      0  every verdict is as expected
      1  one is not
      2  usage, or a file that cannot be used
    """
    from datetime import UTC, datetime

    from witness.cases import read_cases, try_case
    from witness.config import load_policy
    from witness.escape import printable

    loaded, now = load_policy(policy), datetime.now(UTC)
    tried = [try_case(case, cases.parent, loaded, now) for case in read_cases(cases)]
    for item in tried:
        if item.problem:
            typer.echo(f"{printable(item.case.name)}: {item.problem}")
    failed = sum(bool(item.problem) for item in tried)
    typer.echo(f"{len(tried)} cases, {failed} not as expected")
    raise typer.Exit(1 if failed else 0)
