"""What a policy has to say to whoever uses it, on standard error."""

import typer

from witness.config import LoadedPolicy
from witness.escape import printable


def tell_notes(loaded: LoadedPolicy) -> None:
    """Where a directory has other values than the policy."""
    for note in loaded.policy.notes:
        typer.echo(f"wheelwitness: {printable(note)}", err=True)
