"""What ends a job that the kernel does not end: broken limits, and a machine that runs short of memory."""

import os
import time

import pytest

from rebuilders.sandbox.cgroup import Group
from rebuilders.sandbox.interface import Limits
from rebuilders.sandbox.machine import Machine
from rebuilders.sandbox.space import Space, refused_beyond
from rebuilders.sandbox.tree import Tree
from rebuilders.sandbox.watch import Watch
from witness.errors import Incomplete, SandboxUnavailable
from witness.limits import GIB, MIB


@pytest.fixture
def machine(tmp_path):
    """A machine whose kernel tells what the test writes."""

    def tell(available=8 * GIB, killed=0):
        (tmp_path / "meminfo").write_text(
            f"MemTotal: {16 * GIB >> 10} kB\nMemFree: 1 kB\nMemAvailable: {available >> 10} kB\n"
        )
        (tmp_path / "vmstat").write_text(f"nr_free_pages 7\noom_kill {killed}\n")

    tell()
    return Machine(tmp_path), tell


def watch(machine, *, group=None, limits=None, seconds=60.0):
    return Watch(Tree(), limits or Limits(), group, time.monotonic() + seconds, machine=machine)


def test_a_machine_with_enough_memory(machine):
    made, _ = machine
    assert (made.short(), made.killed()) == (False, False)
    assert watch(made).broken() is None
    assert watch(made).broken_at_last() is None


def test_a_machine_that_runs_short_says_nothing_about_the_job(machine):
    made, tell = machine
    tell(available=400 * MIB)
    assert made.short()
    with pytest.raises(SandboxUnavailable, match="memory runs short on this machine") as caught:
        watch(made).broken()
    assert isinstance(caught.value, Incomplete)
    assert caught.value.hint


def test_a_process_that_was_ended_for_memory(machine):
    made, tell = machine
    tell(killed=1)
    assert made.killed()
    with pytest.raises(SandboxUnavailable, match="ended a process for want of memory"):
        watch(made).broken_at_last()


def test_with_a_control_group_the_group_decides(machine, tmp_path):
    made, tell = machine
    tell(available=MIB, killed=1)  # of others
    group = Group(tmp_path)
    assert watch(made, group=group).broken_at_last() is None
    assert watch(made, group=group).broken() is None
    (tmp_path / "memory.events").write_text("oom_kill 1\n")
    assert watch(made, group=group).broken_at_last() == "memory"
    assert watch(made, group=group).broken() == "memory"


def test_a_kernel_that_tells_nothing(tmp_path):
    made = Machine(tmp_path)
    assert (made.short(), made.killed()) == (False, False)


def test_time(machine):
    made, _ = machine
    assert watch(made, seconds=0.0).broken() == "time"


@pytest.mark.parametrize(
    ("limits", "broken"),
    [
        (Limits(), None),
        (Limits(processes=0), "process"),
        (Limits(resident=1), "memory"),
    ],
)
def test_this_process_as_a_job(machine, limits, broken):
    made, _ = machine
    looking = watch(made, limits=limits)
    looking.tree.feed(b'{"child-pid": %d}\n' % os.getpid())
    try:
        assert looking.broken() == broken
    finally:
        looking.tree.close()


def test_a_job_is_looked_at_once_when_it_answers(machine):
    made, _ = machine
    looking = watch(made, limits=Limits(processes=0))
    looking.tree.feed(b'{"child-pid": %d}\n' % os.getpid())
    try:
        assert looking.broken_at_answer() is None  # it has not begun
        looking.space._open["/"] = os.open("/dev/shm", os.O_PATH)
        looking.space.limits = Limits(scratch=1 << 60, shared=1 << 60, inodes=1 << 60)
        assert looking.broken_at_answer() == "process"
        assert looking.broken_at_answer() is None
    finally:
        looking.tree.close()
        looking.space.close()


def test_a_space_that_nobody_has_entered():
    space = Space(Limits())
    assert (space.used(), space.broken(), space.entered) == (0, None, False)
    space.enter(1 << 30)  # no such process
    assert not space.entered


@pytest.mark.parametrize("limit", [0, MIB, 2 * GIB])
def test_what_is_refused_lies_beyond_what_is_allowed(limit):
    assert refused_beyond(limit) >= limit + 64 * MIB
