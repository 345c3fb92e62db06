"""The part that makes a node's pages, and brings its site to where it is served. It needs no key, and runs no build."""

from typing import Final

from rebuilders.node.parts.lasting import Lasting, last, run_part
from rebuilders.node.publishing import bring_out
from witness.errors import Incomplete

_LOOK: Final = 10.0  # seconds between looks at the site


def body(part: Lasting) -> None:
    """Publishes until the part is to end."""
    config = part.directory.load()

    def step() -> float:
        outcomes = bring_out(part.directory, config, part.say)
        for outcome in outcomes:
            if outcome.error or (outcome.pushed and outcome.pushed.sent):
                part.say(outcome.text)
        failed = [outcome.text for outcome in outcomes if outcome.error]
        if failed:
            raise Incomplete("; ".join(failed))
        part.beat(doing=f"{len(outcomes)} destinations")
        return _LOOK

    last(part, step)


def main() -> None:
    """The entry point of the process."""
    run_part("publisher", body)


if __name__ == "__main__":
    main()
