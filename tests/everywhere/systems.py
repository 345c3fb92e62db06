"""What systems other than Linux have not, by name, as the documentation of Python's library says of each."""
# ruff: noqa: SIM905

from dataclasses import dataclass

UNIX_MODULES = frozenset(
    "fcntl grp posix pty pwd readline resource syslog termios tty crypt nis ossaudiodev spwd _posixsubprocess".split()
)
# Of `os`, what Windows has not in every Python from 3.11 on.
UNIX_OS = frozenset(
    """
    O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_EXLOCK O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK
    O_PATH O_RSYNC O_SHLOCK O_SYNC O_TMPFILE WNOHANG WUNTRACED WCONTINUED EX_OK F_LOCK F_ULOCK F_TLOCK F_TEST P_ALL
    P_PID P_PGID PRIO_PROCESS RTLD_NOW SCHED_OTHER SF_NODISKIO ST_RDONLY
    chflags chown chroot confstr ctermid fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs fwalk getegid
    geteuid getgid getgrouplist getgroups getloadavg getpgid getpgrp getpriority getresgid getresuid getsid getuid
    initgroups killpg lchflags lchmod lchown lockf login_tty major makedev minor mkfifo mknod nice openpty pathconf
    pipe2 posix_fadvise posix_fallocate posix_openpt posix_spawn posix_spawnp pread preadv pwrite pwritev readv
    register_at_fork sched_get_priority_max sched_yield sendfile setegid seteuid setgid setgroups setpgid setpriority
    setregid setresgid setresuid setreuid setsid setuid spawnlp spawnvp statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname
    uname wait wait3 wait4 waitid waitstatus_to_exitcode WEXITSTATUS WIFEXITED WIFSIGNALED WTERMSIG writev
    """.split()
)
LINUX_OS = frozenset(
    """
    O_DIRECT O_LARGEFILE O_NOATIME O_PATH O_RSYNC O_TMPFILE EFD_CLOEXEC GRND_NONBLOCK GRND_RANDOM MFD_CLOEXEC
    CLONE_NEWNS copy_file_range eventfd eventfd_read eventfd_write fdatasync getrandom getresgid getresuid getxattr
    listxattr memfd_create pidfd_open pipe2 posix_fadvise posix_fallocate removexattr sched_getaffinity
    sched_getparam sched_getscheduler sched_setaffinity setns setresgid setresuid setxattr splice unshare
    """.split()
)
UNIX_SIGNALS = frozenset(
    """
    SIGALRM SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPOLL SIGPROF SIGQUIT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG
    SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIG_BLOCK SIG_SETMASK SIG_UNBLOCK ITIMER_REAL alarm getitimer pause pthread_kill
    pthread_sigmask setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo
    """.split()
)
LINUX_SIGNALS = frozenset("SIGPOLL SIGPWR SIGRTMAX SIGRTMIN SIGSTKFLT sigtimedwait sigwaitinfo".split())
UNIX_TIME = frozenset(
    "clock_getres clock_gettime clock_gettime_ns clock_settime pthread_getcpuclockid tzset".split()
)


@dataclass(frozen=True)
class System:
    """A system by what Python has not there. `platform` is its `sys.platform`."""

    platform: str
    modules: frozenset[str]
    names: dict[str, frozenset[str]]


SYSTEMS = {
    "windows": System(
        "win32",
        UNIX_MODULES | {"ctypes", "winreg"},  # these are there, but not to be imitated: see elsewhere.py
        {
            "os": UNIX_OS | LINUX_OS,
            "signal": UNIX_SIGNALS | LINUX_SIGNALS,
            "time": UNIX_TIME,
            "socket": frozenset({"AF_UNIX", "AF_NETLINK", "SO_PEERCRED", "send_fds", "recv_fds"}),
            "select": frozenset({"poll", "epoll", "kqueue"}),
        },
    ),
    "macos": System(
        "darwin",
        frozenset({"spwd", "ossaudiodev", "msvcrt", "winreg"}),
        {
            "os": LINUX_OS,
            "signal": LINUX_SIGNALS,
            "time": frozenset({"CLOCK_BOOTTIME", "CLOCK_TAI"}),
            "socket": frozenset({"AF_NETLINK", "SO_PEERCRED", "AF_ALG", "SOCK_CLOEXEC", "SOCK_NONBLOCK"}),
            "select": frozenset({"epoll"}),
        },
    ),
}
