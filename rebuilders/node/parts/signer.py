"""The part that holds the node's keys: signs, logs and publishes what waits in the outbox. Runs no build."""

from datetime import UTC, datetime
from typing import Final

from rebuilders.node.logs import Line
from rebuilders.node.parts.lasting import Lasting, last, run_part
from rebuilders.node.signer import publish
from rebuilders.outbox import Outbox
from witness.escape import printable

_LOOK: Final = 2.0  # seconds between looks at the outbox
_DUE: Final = 60.0  # and between looks at what was committed to and may be revealed


def body(part: Lasting) -> None:
    """Publishes until the part is to end."""
    directory = part.directory
    looked = -1.0

    def step() -> float:
        nonlocal looked
        seconds = datetime.now(UTC).timestamp()
        if Outbox(directory.outbox).waiting() or not 0 <= seconds - looked < _DUE:
            published = publish(directory)
            looked = seconds
            for refused in published.refused:
                words = f"not signed: {refused.name}: {printable(refused.reason)}"
                part.say(Line(words, event="refused", level="warning", name=refused.name))
            if published.committed:
                part.say(f"committed to {published.committed} observations, to be revealed later")
            if published.count:
                words = f"published {published.count} observations; the log has {published.size}"
                part.say(Line(words, event="published", count=published.count, size=published.size))
            part.beat(doing=f"the log has {published.size}")
        return _LOOK

    last(part, step)


def main() -> None:
    """The entry point of the process."""
    run_part("signer", body)


if __name__ == "__main__":
    main()
