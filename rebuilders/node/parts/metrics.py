"""The part that tells Prometheus how the node is. It holds no key, and changes nothing."""

from datetime import UTC, datetime

from rebuilders.node.logs import Line
from rebuilders.node.metrics import application
from rebuilders.node.parts.lasting import Lasting, last, run_part
from rebuilders.node.standing import read_standing
from witness.answering import answering
from witness.listening import listen

_REST = 5.0  # seconds between steps, in which there is nothing to do


def body(part: Lasting) -> None:
    """Answers until the part is to end."""
    config = part.directory.load()
    app = application(lambda: read_standing(part.directory, config, datetime.now(UTC)))
    host, port = config.metrics.host, config.metrics.port

    def step() -> float:
        part.beat(doing=f"port {port}")
        return _REST

    with listen(host, port, hint="Choose another port in [metrics].") as listener, answering(app, listener):
        part.say(Line(f"metrics at http://{host}:{port}/metrics", event="listening", port=port))
        last(part, step)


def main() -> None:
    """The entry point of the process."""
    run_part("metrics", body)


if __name__ == "__main__":
    main()
