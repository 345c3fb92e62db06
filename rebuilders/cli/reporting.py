"""What `--report` and `--diffoscope` do, whatever the command: checked before anything runs, written at its end."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from witness.errors import InputError
from witness.escape import printable

if TYPE_CHECKING:
    from rebuilders.report.diffoscope import Diffoscope
    from rebuilders.report.document import Document
    from rebuilders.sandbox.interface import Sandbox


@dataclass(frozen=True, slots=True)
class Reporting:
    """Where a report goes, if one is wanted, and what looks at the wheels besides."""

    directory: Path | None
    diffoscope: "Diffoscope | None"

    @classmethod
    def of(cls, directory: Path | None, *, diffoscope: bool, sandbox: "Sandbox | None" = None) -> "Reporting":
        """What the options ask for. Raises InputError, with the next step, where that cannot be had."""
        if directory is None:
            if diffoscope:
                raise InputError("--diffoscope adds to a report, and there is none", hint="Add --report DIR.")
            return cls(None, None)
        from rebuilders.report.directory import check_vacant

        check_vacant(directory)
        return cls(directory, _diffoscope(sandbox) if diffoscope else None)

    def write(self, document: "Document") -> str:
        """Writes the report; returns the line that says where it is. Raises InputError, Incomplete."""
        if self.directory is None:
            return ""
        from rebuilders.report.directory import write_report

        if self.diffoscope is not None:
            looked = self.diffoscope.look_at(document)
            document = replace(document, diffoscope=looked)
            if looked.failure:
                typer.echo(f"diffoscope: {looked.failure}", err=True)
        return f"report: {printable(str(write_report(document, self.directory)))}"


def _diffoscope(sandbox: "Sandbox | None") -> "Diffoscope":
    from rebuilders.report.diffoscope import Diffoscope
    from rebuilders.sandbox.bubblewrap import Bubblewrap

    return Diffoscope.find(sandbox or Bubblewrap.find())
