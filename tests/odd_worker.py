"""A farm's worker that is not as it should be: `python -m tests.odd_worker worker ADDRESS … --tag WHAT`."""

import json
import os
import sys
from pathlib import Path

from rebuilders.cli.main import main

_LIES = {
    "garbage": "this is no JSON",
    "number": 7,
    "keys": '{"claim": "x"}',
    "huge": '{"x": "' + "y" * (3 << 20) + '"}',
}


class Evil:
    """Looks around in the process that unpickles it, and says what it has seen as if it were an outcome."""

    def __reduce__(self):
        return eval, (_LOOK_AROUND, {"__builtins__": __builtins__})


_LOOK_AROUND = """
__import__("json").dumps({
    "claim": "x", "level": "", "statement": "", "report": "", "complete": True, "received": 0, "needs": "", "cause": "",
    "result": __import__("json").dumps({
        "environment": sorted(__import__("os").environ),
        "processes": [__import__("pathlib").Path(f"/proc/{n}/cmdline").read_text() for n in __import__("os").listdir("/proc") if n.isdigit()],
        "node": __import__("os").path.exists(%r),
        "written": __import__("os").access("/usr", 2),
    }),
})
""" % os.environ.get("TEST_NODE", "")  # noqa: E501, UP031


def perform(program, terms, job):
    tags = sys.argv[1:]
    for what, lie in _LIES.items():
        if what in tags:
            return lie
    if "evil" in tags:
        return Evil()
    told = {"claim": "other", "result": os.environ["TEST_NAME"], "level": "", "statement": "", "report": ""}
    return json.dumps({**told, "complete": True, "received": 0, "needs": "", "cause": ""})


def _in_place() -> None:
    """In the nanny and in its worker alike: spawned, that imports this module anew."""
    import rebuilders.farm.task

    rebuilders.farm.task.perform = perform
    if "other-version" in sys.argv:
        import rebuilders.farm.gateway

        rebuilders.farm.gateway.program_tags = lambda: ("wheelwitness-0.0.1", "distributed-1.0")


_in_place()

if __name__ == "__main__":
    sys.argv = ["rebuilder", "farm", *sys.argv[1:]]
    assert Path(__file__).exists()
    main()
