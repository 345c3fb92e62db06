"""Bubblewrap as both kinds of user start it: by root, and by somebody without rights."""

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rebuilders.sandbox.bubblewrap import Bubblewrap
from rebuilders.sandbox.interface import Finished, Job
from rebuilders.sandbox.toolchain import system_mounts
from witness.errors import SandboxUnavailable

NOBODY = 65534


@dataclass(frozen=True)
class AsNobody:
    """A `Sandbox`: Bubblewrap in a process of its own, which gives up root's rights once it has loaded."""

    name: str = "bubblewrap"

    def run(self, job: Job) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "tests.sandboxes"],
            input=pickle.dumps(job),
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
            check=True,
        )
        answer = pickle.loads(done.stdout)
        if isinstance(answer, str):
            raise SandboxUnavailable(answer)
        return answer


def profiles() -> dict[str, Bubblewrap | AsNobody]:
    """The sandboxes that this user can start. Raises SandboxUnavailable where bubblewrap is missing."""
    own = Bubblewrap.find()
    return {"root": own, "user": AsNobody()} if own.root else {"user": own}


def main() -> None:
    job = pickle.loads(sys.stdin.buffer.read())
    system_mounts()  # reads our own interpreter's files, which may be closed to others
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.chdir("/")
    try:
        answer: object = Bubblewrap.find().run(job)
    except SandboxUnavailable as error:
        answer = str(error)
    sys.stdout.buffer.write(pickle.dumps(answer))


if __name__ == "__main__":
    main()
