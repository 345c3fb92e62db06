"""`wheelwitness proxy`: a package index that offers what the policy accepts."""

from pathlib import Path
from typing import Annotated

import typer

from witness.cli.options import LookupOption, PolicyOption, SnapshotOption, StateOption
from witness.proxy.modes import Files, Sdists


def proxy(
    *,
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            envvar="WHEELWITNESS_INDEX",
            help="The index behind it. Default: the one that uv and pip are set up to use.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyOption = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on",
            envvar="WHEELWITNESS_FAIL_ON",
            help="Outcomes, separated by commas, whose files are hidden; or none. Default: as of `check`.",
            show_default=False,
        ),
    ] = None,
    sdists: Annotated[
        Sdists,
        typer.Option(
            "--sdists",
            envvar="WHEELWITNESS_SDISTS",
            help="Sdists, which no witness vouches for: hide them, offer those of exempt projects, or offer them.",
        ),
    ] = Sdists.HIDE,
    report_only: Annotated[
        bool,
        typer.Option(
            "--report-only",
            envvar="WHEELWITNESS_REPORT_ONLY",
            help="Offer everything, and only tell what would be hidden.",
        ),
    ] = False,
    files: Annotated[
        Files,
        typer.Option(
            "--files",
            envvar="WHEELWITNESS_FILES",
            help="Where pages lead to: directly to the index's files, or to them by way of the proxy, which locks "
            "then ask, too.",
        ),
    ] = Files.DIRECT,
    max_age: Annotated[
        int,
        typer.Option(
            "--max-age",
            envvar="WHEELWITNESS_MAX_AGE",
            min=0,
            max=86400,
            help="Seconds after which index and witnesses are asked again, and clients ask again.",
        ),
    ] = 60,
    audit: Annotated[
        Path | None,
        typer.Option(
            "--audit",
            envvar="WHEELWITNESS_AUDIT",
            help="Append to this file what was offered and hidden, and to whom, as JSON lines.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", envvar="WHEELWITNESS_HOST", help="The address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", envvar="WHEELWITNESS_PORT", min=0, max=65535, help="0: any free one.")
    ] = 8418,
    state: StateOption = None,
    lookup: LookupOption = None,
    snapshot: SnapshotOption = None,
) -> None:
    """Serves a package index that offers only what your policy accepts. Needs the extra `proxy`.

    \b
    Examples:
      wheelwitness proxy
      wheelwitness proxy --index https://index.example/simple/ --audit proxy.jsonl
      wheelwitness proxy --report-only --fail-on divergent,disputed,bad-signature
      wheelwitness proxy --snapshot witnesses/
    """
    from witness.config import default_policy_path
    from witness.errors import InputError
    from witness.report.model import parse_fail_on

    try:
        from witness.endpoint import default_endpoint
        from witness.proxy.choice import Rules
        from witness.proxy.serve import Settings, serve

        found = index or default_endpoint()
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is not installed", hint="Install the extra: pip install 'wheelwitness[proxy]'."
        ) from None
    hides = None if fail_on is None else parse_fail_on(fail_on)
    settings = Settings(
        index=found,
        policy=policy or default_policy_path(),
        rules=Rules(hides, sdists, report_only),
        files=files,
        seconds=float(max_age),
        audit=audit,
        state=state,
        host=host,
        port=port,
        lookup=lookup,
        snapshot=snapshot,
    )
    serve(settings, lambda line: typer.echo(line, err=True))
