"""Control groups: where one is taken, what is written, and how broken limits are seen; for real where possible."""

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rebuilders.sandbox.bubblewrap import Bubblewrap
from rebuilders.sandbox.cgroup import Cgroups, Group, _settings
from rebuilders.sandbox.interface import Job, Limits
from witness.errors import SandboxUnavailable
from witness.limits import MIB

LIMITS = Limits(resident=512 * MIB, processes=64)


@pytest.fixture
def tree(tmp_path):
    """Directories of files that look like a mounted cgroup2 and like /proc/self."""

    def make(
        own="/user.slice/job.scope", root="/", controllers="cpu memory pids", kind="cgroup2", enabled=""
    ):
        mount, proc = tmp_path / "cgroup", tmp_path / "proc"
        base = mount / own[len(root) :].lstrip("/")
        for directory in {base, *base.parents} - {*tmp_path.parents, tmp_path}:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "cgroup.procs").write_text("")
        (base / "cgroup.procs").write_text(f"{os.getpid()}\n")
        (base / "cgroup.controllers").write_text(controllers)
        (base / "cgroup.subtree_control").write_text(enabled)
        proc.mkdir()
        (proc / "mountinfo").write_text(
            "22 1 0:1 / / rw - ext4 /dev/x rw\n"
            f"30 22 0:2 {root} {mount} rw,nosuid shared:9 - {kind} cgroup rw\n"
        )
        (proc / "cgroup").write_text(f"9:memory:/other\n0::{own}\n")
        return base, proc

    return make


def test_a_subtree_that_was_prepared_before(tree):
    base, proc = tree(own="/user.slice/job.scope/supervisor")
    (base.parent / "cgroup.subtree_control").write_text("memory pids")
    assert Cgroups.find(proc) == Cgroups(base.parent)


@pytest.mark.parametrize("own", ["/", "/a.service", "/a/b/c.scope"])
def test_where_the_own_group_lies_in_a_container(tree, own):
    base, proc = tree(
        own=f"/machine.slice{own}supervisor" if own == "/" else f"/machine.slice{own}/supervisor",
        root="/machine.slice",
    )
    (base.parent / "cgroup.subtree_control").write_text("memory pids")
    assert Cgroups.find(proc) == Cgroups(base.parent)


@pytest.mark.parametrize(
    "how",
    [
        {"kind": "cgroup"},  # v1 alone
        {"controllers": "hugetlb"},  # v1 has the others
        {"controllers": "memory"},
        {"own": "/elsewhere/x", "root": "/user.slice"},  # out of this namespace
    ],
)
def test_where_there_is_none(tree, how):
    if "root" in how:
        _, proc = tree(own="/user.slice/x", root="/user.slice")
        (proc / "cgroup").write_text(f"0::{how['own']}\n")
    else:
        _, proc = tree(**how)
    assert Cgroups.find(proc) is None


def test_where_nothing_can_be_read(tmp_path):
    assert Cgroups.find(tmp_path) is None


def test_what_was_not_delegated_is_left_alone(tree):
    base, proc = tree()
    if os.geteuid() == 0:  # a manager's group, without its mark
        assert Cgroups.find(proc) is None
    else:
        (base / "cgroup.procs").chmod(0o444)
        assert Cgroups.find(proc) is None
    assert not (base / "supervisor").exists()


@pytest.mark.parametrize("leaf", ["", "/supervisor"])  # the latter by systemd's DelegateSubgroup
def test_a_delegated_subtree_is_emptied_into_a_leaf(tree, leaf):
    base, proc = tree(own=f"/user.slice/job.scope{leaf}")
    if leaf:
        base = base.parent
        (base / "cgroup.procs").write_text(f"{os.getpid()}\n")
        (base / "cgroup.controllers").write_text("cpu memory pids")
        (base / "cgroup.subtree_control").write_text("")
    if os.geteuid() == 0:
        try:
            os.setxattr(base, "user.delegate", b"1")
        except OSError:
            pytest.skip("this file system has no extended attributes")
    # These are files, not a kernel: nothing becomes enabled, so nothing is taken.
    assert Cgroups.find(proc) is None
    assert (base / "supervisor" / "cgroup.procs").read_text() == str(os.getpid())
    assert (base / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def test_what_is_set(tmp_path):
    for name in ("memory.swap.max", "memory.oom.group", "cpu.max"):
        (tmp_path / name).touch()
    assert dict(_settings(tmp_path, replace(LIMITS, cpus=1.5))) == {
        "memory.max": str(512 * MIB),
        "pids.max": "68",
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "cpu.max": "150000 100000",
    }
    assert set(dict(_settings(tmp_path / "old", LIMITS))) == {"memory.max", "pids.max"}


def test_no_group_no_job(tmp_path):
    with (
        pytest.raises(SandboxUnavailable, match="no control group can be made"),
        Cgroups(tmp_path / "x").group(LIMITS),
    ):
        pass


@pytest.mark.parametrize(
    ("file", "text", "broken"),
    [
        ("memory.events", "low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n", None),
        ("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\n", "memory"),
        ("memory.events", "oom_kill 3\n", "memory"),
        ("memory.events", "oom_group_kill 1\n", "memory"),
        ("pids.events", "max 0\n", None),
        ("pids.events", "max 1\n", "process"),
        ("pids.events", "nonsense", None),
        ("other", "", None),
    ],
)
def test_what_was_broken_is_remembered(tmp_path, file, text, broken):
    (tmp_path / file).write_text(text)
    assert Group(tmp_path).broken() == broken


# In a cgroup v2 of this machine, with or without controllers


@dataclass(frozen=True)
class Plain:
    """Groups without limits, below `base`."""

    base: Path

    @contextmanager
    def group(self, limits):
        path = self.base / f"wheelwitness-test-{os.getpid()}"
        path.mkdir()
        try:
            yield Group(path)
        finally:
            Group(path).kill()
            end = 200
            while path.exists() and end:
                try:
                    path.rmdir()
                except OSError:
                    end -= 1
                    subprocess.run(["sleep", "0.05"], check=True)


@pytest.fixture
def mounted():
    """A cgroup2 in which this user may make groups."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2" and os.access(fields[4], os.W_OK):
            return Path(fields[4])
    pytest.skip("no cgroup v2 in which groups can be made")


@pytest.mark.sandbox
def test_a_job_runs_in_its_group_and_ends_with_it(mounted):
    sandbox = Bubblewrap(Bubblewrap.find().bwrap, root=os.geteuid() == 0, cgroups=Plain(mounted))
    assert sandbox.name.endswith("+cgroup2")
    # Inside, it is the root of all groups that can be seen.
    found = sandbox.run(Job(("/bin/sh", "-c", "grep ^0:: /proc/self/cgroup; exit 3")))
    assert (found.status, found.output) == (3, b"0::/\n")
    found = sandbox.run(Job(("/bin/sh", "-c", "setsid sleep 600 & sleep 600"), limits=Limits(seconds=1)))
    assert found.ended == "time"
    assert not list(mounted.glob("wheelwitness-test-*"))


@pytest.mark.sandbox
def test_a_group_that_cannot_be_entered(tmp_path):
    class Broken(Plain):
        @contextmanager
        def group(self, limits):
            yield Group(tmp_path / "nowhere")

    sandbox = Bubblewrap(Bubblewrap.find().bwrap, root=os.geteuid() == 0, cgroups=Broken(tmp_path))
    with pytest.raises(SandboxUnavailable, match="could not be set up"):
        sandbox.run(Job(("/bin/sh", "-c", "exit 0")))


def test_this_machine():
    found = Cgroups.find()
    assert found is None or (found.base / "cgroup.procs").exists()
