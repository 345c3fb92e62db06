"""The part that has targets rebuilt. It holds no key; its workers hold no database either."""

import math
import os
import time

from rebuilders.node import again
from rebuilders.node.control import DRAINING
from rebuilders.node.executing import open_executor
from rebuilders.node.logs import Line
from rebuilders.node.parts.lasting import Lasting, last, run_part
from rebuilders.node.priorities import within
from rebuilders.node.ready import INDEX, configured
from rebuilders.node.scheduler import Scheduler

_STEP = 1.0  # seconds between looks at the ledger while something runs
_IDLE = 5.0  # and while nothing does
_WAKE = 60.0  # seconds between looks at what is to be observed again


def body(part: Lasting) -> None:
    """Works off the ledger until the part is to end, or the node is drained."""
    config = configured(part.directory, os.environ.get(INDEX, ""))
    ledger = part.directory.ledger(config)
    executor = open_executor(part.directory, config, part.say)
    try:
        with ledger.alone() as still_alone:
            scheduler = Scheduler(part.directory, config, ledger, executor, part.say)
            scheduler.begin()

            woken = -math.inf

            def step() -> float:
                still_alone()
                nonlocal woken
                if time.monotonic() - woken >= _WAKE:
                    ledger.wake(patience=again.MAX_RETRY, within=within("again"))
                    woken = time.monotonic()
                busy = scheduler.step(_STEP)
                part.beat(doing=scheduler.held or executor.said or f"{executor.busy} running")
                if scheduler.held == DRAINING and scheduler.is_idle:
                    part.say(Line("drained", event="drained"))
                    part.stop.set()
                return 0.0 if busy else _IDLE

            last(part, step)
    finally:
        executor.close()
        ledger.close()


def main() -> None:
    """The entry point of the process."""
    run_part("scheduler", body)


if __name__ == "__main__":
    main()
