"""The part that brings a node's site to where it is served. It needs no key, and runs no build."""

import os
from typing import Final

from rebuilders.node import reports
from rebuilders.node.parts.lasting import Lasting, last, run_part
from rebuilders.node.pushing import push_all
from witness.errors import Incomplete

CHECKPOINT: Final = "checkpoint"
_LOOK: Final = 10.0  # seconds between looks at the site


def body(part: Lasting) -> None:
    """Publishes until the part is to end."""
    directory, config = part.directory, part.directory.load()

    def step() -> float:
        if not (directory.site / CHECKPOINT).exists():
            part.beat(doing="nothing to publish yet")
            return _LOOK
        reports.publish(directory)
        outcomes = push_all(directory, config.destination, part.say, environment=os.environ)
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
