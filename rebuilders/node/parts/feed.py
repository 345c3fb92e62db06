"""The part that asks the index what changed, and queues it. It holds no key, and runs nothing of strangers."""

import os

from rebuilders.node.feed.wiring import open_feed
from rebuilders.node.parts.lasting import Lasting, last, run_part
from rebuilders.node.ready import INDEX


def body(part: Lasting) -> None:
    """Follows the index until the part is to end."""
    config = part.directory.load()
    if index := os.environ.get(INDEX, ""):
        config = config.model_copy(update={"index": index})
    ledger = part.directory.ledger(config)
    feed = open_feed(part.directory, config, ledger, part.say, part.stop)

    def step() -> float:
        wait = feed.step()
        part.beat(doing=feed.doing)
        return wait

    try:
        last(part, step)
    finally:
        ledger.close()


def main() -> None:
    """The entry point of the process."""
    run_part("feed", body)


if __name__ == "__main__":
    main()
