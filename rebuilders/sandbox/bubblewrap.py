"""The Sandbox seam over bubblewrap: namespaces, a root of its own, no capabilities, a seccomp filter, rlimits.

Two ways to the same place. Started by an ordinary user, bwrap makes a user namespace and forbids further ones.
Started by root, it needs no user namespace: the namespaces are set up with root's rights, and the job then runs
under a user id that nobody has, one of its own for each job, so that even what namespaces share (limits per user,
/proc/sys) is out of its reach.
"""

import itertools
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from rebuilders.sandbox import seccomp
from rebuilders.sandbox.capture import Captured, capture
from rebuilders.sandbox.cgroup import Cgroups
from rebuilders.sandbox.interface import SCRATCH, Finished, Job, Mount, Sandbox
from rebuilders.sandbox.space import refused_beyond
from rebuilders.sandbox.toolchain import system_mounts
from witness.errors import SandboxUnavailable
from witness.escape import printable

_INSIDE_UID: Final = 1000  # in a user namespace of its own
_FIRST_UID: Final = 0x70000000  # as root: ids that no account has
_UIDS: Final = 0x00FFFFFF
# The first byte of output says that everything is set up and the job's own program is next: no job can pretend
# that the sandbox failed, nor can a failure of the sandbox pass for one of the job.
_BEGUN: Final = b"\x01"
_BEGIN: Final = ("/bin/sh", "-c", 'printf "\\001"; exec "$@"', "sh")
# What bwrap and shells add to the environment of what they start, each system's shell something else.
_CLEAN: Final = ("/usr/bin/env", "-u", "PWD", "-u", "OLDPWD", "-u", "SHLVL", "-u", "_")
_MORE_PROCESSES: Final = 2  # times as many as a job may have are refused: before, it is ended
_ACCOUNT: Final = "build:x:{uid}:{uid}:build:{home}:/bin/sh\n"


@dataclass(frozen=True)
class Bubblewrap:
    """A `Sandbox`.

    Args:
        bwrap: the program.
        root: whether this process may set up namespaces as root.
        cgroups: where each job gets a control group, if there is such a place.
    """

    bwrap: Path
    root: bool
    cgroups: Cgroups | None = None
    _uids: Iterator[int] = field(default_factory=lambda: itertools.count(random.randrange(_UIDS)), repr=False)  # noqa: S311 - only to differ

    @property
    def name(self) -> str:
        filtered = ("seccomp",) if seccomp.program() is not None else ()
        return "+".join(("bubblewrap", *filtered, "cgroup2" if self.cgroups else "rlimits"))

    @classmethod
    def find(cls) -> "Bubblewrap":
        """The one of this machine. Raises SandboxUnavailable if there is none."""
        found = shutil.which("bwrap")
        if found is None:
            raise SandboxUnavailable(
                "bubblewrap is not installed, and no foreign code runs without a sandbox",
                hint="Install it: apt install bubblewrap, or your system's package.",
            )
        return cls(Path(found), root=os.geteuid() == 0, cgroups=Cgroups.find())

    def run(self, job: Job) -> Finished:
        uid = _FIRST_UID + next(self._uids) % _UIDS if self.root else _INSIDE_UID
        _own_writable(job.mounts, uid if self.root else os.geteuid())
        group = self.cgroups.group(job.limits) if self.cgroups else nullcontext()
        with group as held, _descriptors(_files(job, uid)) as files:
            filter_fd = files.pop("seccomp", None)
            options = [*self._isolation(filter_fd), *_variables(job), *_file_system(job, files)]
            # Through a descriptor, or /proc/1/cmdline inside would tell where on this machine all that lies.
            with _descriptors({"options": _joined(options)}) as told:
                arguments = ["--args", str(told["options"]), *_command(job, uid if self.root else None)]
                filters = () if filter_fd is None else (filter_fd,)
                descriptors = (*files.values(), *filters, *told.values())
                return _finished(capture(self.bwrap, arguments, descriptors, job.limits, held))

    def _isolation(self, filter_fd: int | None) -> Iterator[str]:
        yield from (
            "--unshare-ipc",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-uts",
            "--unshare-cgroup-try",
        )
        yield from ("--hostname", "build", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
        if self.root:
            yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")
        else:
            yield from ("--unshare-user", "--disable-userns")
            yield from ("--uid", str(_INSIDE_UID), "--gid", str(_INSIDE_UID))
        if filter_fd is not None:
            yield from ("--seccomp", str(filter_fd))


def probe(sandbox: Sandbox) -> None:
    """Runs a job that does nothing. Raises SandboxUnavailable, with what to do, where that does not work."""
    finished = sandbox.run(Job(argv=("/bin/sh", "-c", "exit 0")))
    if not finished.ok:
        raise SandboxUnavailable(
            f"the sandbox does not run a program: {printable(finished.log.decode(errors='replace'))}"
        )


def _files(job: Job, uid: int) -> dict[str, bytes]:
    files = {**job.files, "/etc/passwd": _ACCOUNT.format(uid=uid, home=f"{SCRATCH}/home").encode()}
    if (program := seccomp.program()) is not None:
        files["seccomp"] = program
    return files


def _joined(options: list[str]) -> bytes:
    if any("\0" in option for option in options):
        raise ValueError("a NUL in a path or a variable")
    return b"".join(os.fsencode(option) + b"\0" for option in options)


@contextmanager
def _descriptors(files: dict[str, bytes]) -> Iterator[dict[str, int]]:
    """Each file's content behind a descriptor, in memory, so that no mode or rename on the host matters."""
    with ExitStack() as stack:
        opened: dict[str, int] = {}
        for target, content in files.items():
            file = stack.enter_context(os.fdopen(os.memfd_create(PurePosixPath(target).name), "wb"))
            file.write(content)
            file.flush()
            file.seek(0)
            opened[target] = file.fileno()
        yield opened


def _variables(job: Job) -> Iterator[str]:
    # bwrap itself starts with an empty environment, so that /proc/1/environ inside shows nothing either.
    own = {"PATH": "/usr/bin:/bin", "HOME": f"{SCRATCH}/home", "TMPDIR": f"{SCRATCH}/tmp"}  # noqa: S108 - inside
    for name, value in sorted({**own, **job.variables}.items()):
        yield from ("--setenv", name, value)


def _file_system(job: Job, files: dict[str, int]) -> Iterator[str]:
    mounts = (*system_mounts(), *job.mounts)
    made: set[PurePosixPath] = {PurePosixPath("/")}
    for target in (*(mount.target for mount in mounts), *files, "/usr/lib", "/usr/bin", "/etc"):
        yield from _directories(PurePosixPath(target).parent, made)
    for directory in ("/usr/lib", "/usr/bin"):
        yield from _directories(PurePosixPath(directory), made)
    for link, to in (("/bin", "usr/bin"), ("/lib", "usr/lib"), ("/lib64", "usr/lib64")):
        yield from ("--symlink", to, link)
    for mount in mounts:
        yield from ("--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target)
        for masked in mount.mask:
            yield from ("--perms", "0755", "--tmpfs", masked, "--remount-ro", masked)
    for target, descriptor in files.items():
        yield from ("--perms", "0444", "--ro-bind-data", str(descriptor), target)
    # Settings of its own namespaces could be changed there otherwise, and as root, those of the whole machine.
    yield from ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev")
    yield from ("--perms", "1777", "--size", str(refused_beyond(job.limits.shared)), "--tmpfs", "/dev/shm")  # noqa: S108 - inside
    yield from ("--remount-ro", "/dev")
    yield from ("--perms", "1777", "--size", str(refused_beyond(job.limits.scratch)), "--tmpfs", SCRATCH)
    for name in ("home", "tmp"):
        yield from ("--perms", "1777", "--dir", f"{SCRATCH}/{name}")
    yield from ("--chdir", SCRATCH, "--remount-ro", "/")


def _directories(path: PurePosixPath, made: set[PurePosixPath]) -> Iterator[str]:
    """Parents explicitly, because those that bwrap makes by itself are closed to others than its own user."""
    for directory in (*reversed(path.parents), path):
        if directory not in made:
            made.add(directory)
            yield from ("--perms", "0755", "--dir", str(directory))


def _command(job: Job, uid: int | None) -> Iterator[str]:
    yield "--"
    if uid is not None:
        yield from ("/usr/bin/setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups")
        yield from ("--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs")
    limits = job.limits
    yield from ("/usr/bin/prlimit", f"--as={limits.memory}", "--core=0")
    yield f"--nproc={_MORE_PROCESSES * limits.processes}"
    # No --cpu: threads would use it up before the time.
    yield from (f"--fsize={limits.file}", "--nofile=4096")
    yield from (*_BEGIN, *_CLEAN, *job.argv)


def _own_writable(mounts: tuple[Mount, ...], uid: int) -> None:
    for mount in mounts:
        if mount.writable and mount.source.stat().st_uid != uid:
            os.chown(mount.source, uid, uid)


def _finished(captured: Captured) -> Finished:
    if not captured.output.startswith(_BEGUN):
        if captured.ended == "time":  # before it began: the machine is too slow or too loaded
            raise SandboxUnavailable("the sandbox was not set up within the job's time")
        raise SandboxUnavailable(
            f"the sandbox could not be set up: {printable(captured.log.decode(errors='replace'))}",
            hint="`rebuilder doctor` says what this machine allows.",
        )
    output = captured.output[len(_BEGUN) :]
    return Finished(captured.status, captured.ended, output, captured.log, captured.seconds)
