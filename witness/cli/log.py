"""`wheelwitness log`: a log as a whole, and evidence against one."""

from pathlib import Path
from typing import Annotated

import typer

from witness.cli.options import PolicyOption, QuietOption, StateOption
from witness.program import Commands

log = typer.Typer(
    name="log",
    cls=Commands,
    help="Re-verify a witness's whole log, and check evidence against one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@log.command()
def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="LOG",
            help="A witness of your policy by its name or address, or any web address or directory with --log-key.",
            show_default=False,
        ),
    ],
    *,
    policy: PolicyOption = None,
    log_key: Annotated[
        str | None,
        typer.Option(
            "--log-key",
            envvar="WHEELWITNESS_LOG_KEY",
            help="The log's key, as a vkey. Needs --key and --name.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            envvar="WHEELWITNESS_KEY",
            help="A key that signs observations, as ed25519:…; may be given several times.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str,
        typer.Option("--name", envvar="WHEELWITNESS_NAME", help="The witness's name.", show_default=False),
    ] = "",
    shards: Annotated[
        bool,
        typer.Option(
            "--shards/--no-shards",
            envvar="WHEELWITNESS_SHARDS",
            help="Whether to read each artifact's shard too.",
        ),
    ] = True,
    state: StateOption = None,
    quiet: QuietOption = False,
) -> None:
    """Re-verifies a whole log, and holds it against every checkpoint of it that was seen before.

    \b
    Examples:
      wheelwitness log check node-a.example
      wheelwitness log check https://node-a.example/ --no-shards

    \b
    Exit codes:
      0  every entry, tile and shard is as it should be
      1  evidence against the log; that of a contradiction has been saved
      2  usage, configuration or input that cannot be used
      5  could not complete: unreachable, files missing or damaged, older than what was seen before
    """
    from witness.logcheck import Named, check_named

    named = Named(target, policy, log_key, tuple(key or ()), name)
    report = check_named(named, state, shards=shards)
    for line in report.against:
        typer.echo(f"AGAINST  {line}")
    for line in report.open:
        typer.echo(f"wheelwitness: {line}", err=True)
    if not quiet or report.exit_code:
        typer.echo(report.summary)
    raise typer.Exit(report.exit_code)


@log.command()
def evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of evidence.", show_default=False)],
    *,
    log_key: Annotated[
        str | None,
        typer.Option(
            "--log-key",
            envvar="WHEELWITNESS_LOG_KEY",
            help="The key that it must be against. Default: the one it names.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep/--no-keep",
            envvar="WHEELWITNESS_KEEP",
            help="Remember it, so that `check` and `verify` hear the log by dissent alone.",
        ),
    ] = False,
    state: StateOption = None,
) -> None:
    """Checks evidence against a log: says what it proves, and against which key.

    \b
    Examples:
      wheelwitness log evidence evidence.json
      wheelwitness log evidence evidence.json --keep

    \b
    Exit codes:
      0  it holds
      1  it proves nothing, or is against another key
      2  the file cannot be read, or is no evidence
      5  it cannot be kept
    """
    from witness.logcheck import keep_evidence, read_evidence

    found = read_evidence(file, log_key)
    typer.echo(found.prove())
    typer.echo(f"log key: {found.log_key.text}")
    if keep:
        typer.echo(f"kept: {keep_evidence(found, state)}")
