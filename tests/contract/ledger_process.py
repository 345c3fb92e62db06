"""What tests of a ledger have done by processes of their own: `-m tests.contract.ledger_process WHAT PATH URL`."""
# ruff: noqa: T201

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from rebuilders.node.ledger import Ledger, Recorded, Want
from tests import postgres
from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.names import TargetName


def recorded(text, *, more=0):
    """An observation of `text`, as far as a ledger looks at it, and `more` bytes after a line feed."""
    statement = text.encode() + b"\n" + os.urandom(more)
    return Recorded(
        "match", "bitwise", sha256="ab" * 32, statement=statement, statement_sha256=sha256_hex(statement)
    )


def work_off(ledger):
    """Takes all there is, one after the other; some come to nothing at first."""
    while (taken := ledger.take()) is not None:
        print("took", taken.target, taken.claim, flush=True)
        if taken.failures == 0 and taken.target.project.endswith("7"):
            ledger.release(taken.claim, "not yet", wait=timedelta(0))
        else:
            assert ledger.record(taken.claim, recorded(f"{taken.target} {taken.claim}"))
            print("recorded", taken.target, flush=True)


def add(ledger, names):
    print(ledger.add([Want(TargetName.parse(name)) for name in names]), flush=True)


def fill_up(ledger, numbers, ballast):
    """Records until the disk is full; then, with room again, says what was recorded."""
    names = [TargetName.parse(f"p{number}==1.0") for number in numbers]
    ledger.add(map(Want, names))
    done = []
    try:
        while (taken := ledger.take()) is not None:
            assert ledger.record(taken.claim, recorded(str(taken.target), more=100_000))
            done.append(str(taken.target))
    except Incomplete as error:
        print("full:", error)
    ballast.unlink()
    counts = ledger.counts()
    assert counts["done"] == counts["undelivered"] == len(done)
    assert counts["done"] + counts["queued"] + counts["running"] == len(names)
    delivered = []
    ledger.deliver(lambda data, report, artifact: delivered.append(data.partition(b"\n")[0].decode()))
    assert delivered == done
    print("kept", len(done))


def on_a_small_disk(directory, kind):
    """As root of a mount namespace: a ledger on a file system of 12 MB."""
    if kind == "sqlite":
        mount(directory, "12m")
        ledger = Ledger(directory / "ledger.sqlite")
        fill_up(ledger, range(100), ballast(directory, 7_000_000))
        ledger.close()
        return
    with postgres.running() as server:
        space = server.root / "space"
        space.mkdir()
        mount(space, "20m")
        (space / "files").mkdir(mode=0o777)
        (space / "files").chmod(0o777)
        if server.credentials:
            os.chown(space / "files", int(server.credentials["user"]), int(server.credentials["group"]))
        server.run(f"CREATE TABLESPACE small LOCATION '{space / 'files'}'")
        server.run("CREATE DATABASE small TABLESPACE small")
        ledger = Ledger(directory / "none", server.url("small"))
        fill_up(ledger, range(200), ballast(space, 2_000_000))
        ledger.close()


def mount(directory, size):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", directory], check=True)


def ballast(directory, size):
    path = directory / "ballast"
    path.write_bytes(bytes(size))
    return path


def main():
    what, path, url, *more = sys.argv[1:]
    if what == "small":
        on_a_small_disk(Path(path), url)
        return
    ledger = Ledger(Path(path), url)
    if what == "take":
        work_off(ledger)
    elif what == "add":
        add(ledger, more)
    elif what == "alone":
        try:
            with ledger.alone():
                print("alone", flush=True)
                sys.stdin.read()
        except Incomplete as error:
            print(error, flush=True)
    ledger.close()


if __name__ == "__main__":
    main()
