"""The part that holds the node's cosigner key, and no other: meets the peers every `cosign-minutes`."""

from rebuilders.node.cosigning import cosign
from rebuilders.node.logs import Level, Line
from rebuilders.node.parts.lasting import Lasting, last, run_part
from witness.escape import printable


def body(part: Lasting) -> None:
    """Meets the peers until the part is to end."""
    config = part.directory.load()

    def step() -> float:
        told = cosign(part.directory)
        rows: tuple[tuple[str, Level, list[str]], ...] = (
            ("cosigned", "info", told.done),
            ("accused", "error", told.accused),
            ("not-cosigned", "warning", told.failed),
        )
        for event, level, lines in rows:
            for line in lines:
                part.say(Line(printable(line), event=event, level=level))
        part.beat(doing=f"{len(config.peer)} peers")
        return 60.0 * config.cosign_minutes

    last(part, step)


def main() -> None:
    """The entry point of the process."""
    run_part("cosigner", body)


if __name__ == "__main__":
    main()
