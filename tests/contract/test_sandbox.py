"""What every `Sandbox` promises (rebuilders.sandbox.interface), and what bubblewrap keeps strangers' code from."""
# ruff: noqa: E501 - a shell script is a line

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rebuilders.sandbox import seccomp
from rebuilders.sandbox.bubblewrap import Bubblewrap, probe
from rebuilders.sandbox.interface import Finished, Job, Limits, Mount
from rebuilders.sandbox.scripted import ScriptedSandbox, finished
from tests.sandboxes import AsNobody, profiles
from tests.waiting import wait_until
from witness.errors import SandboxUnavailable
from witness.limits import MIB

LIMITS = Limits(
    seconds=20, memory=512 * MIB, resident=128 * MIB, scratch=16 * MIB, shared=4 * MIB, file=8 * MIB, processes=24,
    output=2 * MIB, log_kept=4096, log_total=8 * MIB,
)  # fmt: skip


def shell(script, **fields):
    return Job(("/bin/sh", "-c", script), **{"limits": LIMITS, **fields})


def find(profile):
    """The sandbox of that profile, or a skip that says why there is none."""
    try:
        sandbox = profiles().get(profile)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    if sandbox is None:
        pytest.skip("only root can start the sandbox as root")
    try:
        probe(sandbox)
    except SandboxUnavailable as error:
        pytest.skip(f"user namespaces do not work here: {error}")
    return sandbox


@pytest.fixture(
    params=[pytest.param("root", marks=pytest.mark.sandbox), pytest.param("user", marks=pytest.mark.sandbox)]
)
def sandbox(request):
    return find(request.param)


@pytest.fixture
def shown(tmp_path):
    """A directory that users without rights can read too."""
    directory = Path(tempfile.mkdtemp(prefix="wheelwitness-test-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


# Both kinds of answer, for the contract; the fake's script is what a shell would do.
SCRIPT = {
    "exit 0": finished(),
    "exit 3": finished(status=3),
    "kill -9 $$": finished(status=137),
    "printf out; printf log >&2": finished(b"out", log=b"log"),
    "printf '\\000\\001\\377'": finished(b"\x00\x01\xff"),
}


def scripted(job):
    return SCRIPT[job.argv[2]]


@pytest.fixture(
    params=[
        "scripted",
        pytest.param("root", marks=pytest.mark.sandbox),
        pytest.param("user", marks=pytest.mark.sandbox),
    ]
)
def any_sandbox(request):
    return ScriptedSandbox(scripted) if request.param == "scripted" else find(request.param)


class TestSandbox:
    @pytest.mark.parametrize("script", SCRIPT)
    def test_a_job_ends(self, any_sandbox, script):
        found = any_sandbox.run(shell(script))
        expected = SCRIPT[script]
        assert (found.status, found.ended, found.output, found.log) == (
            expected.status, "exit", expected.output, expected.log,
        )  # fmt: skip
        assert found.ok is (expected.status == 0)
        assert found.seconds >= 0

    def test_several_at_a_time(self, any_sandbox):
        scripts = ["printf out; printf log >&2", "exit 3"] * 3
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda script: any_sandbox.run(shell(script)), scripts))
        assert [answer.status for answer in answers] == [0, 3] * 3
        assert [answer.output for answer in answers] == [b"out", b""] * 3

    def test_it_has_a_name(self, any_sandbox):
        assert any_sandbox.name

    def test_it_can_be_probed(self, any_sandbox):
        probe(any_sandbox)


class TestScripted:
    def test_it_answers_in_turn_and_records(self):
        sandbox = ScriptedSandbox([finished(b"one"), SandboxUnavailable("broken"), finished(b"two")])
        jobs = [shell(str(number)) for number in range(3)]
        assert sandbox.run(jobs[0]).output == b"one"
        with pytest.raises(SandboxUnavailable, match="broken"):
            sandbox.run(jobs[1])
        assert sandbox.run(jobs[2]).output == b"two"
        assert sandbox.jobs == jobs

    def test_its_end_is_no_answer(self):
        with pytest.raises(SandboxUnavailable, match="no answer for another job"):
            ScriptedSandbox([]).run(shell("exit 0"))

    def test_a_failed_probe(self):
        with pytest.raises(SandboxUnavailable, match="does not run a program: why"):
            probe(ScriptedSandbox([finished(status=1, log=b"why")]))


class TestReach:
    @pytest.mark.enable_socket
    def test_no_network(self, sandbox):
        abstract = f"wheelwitness-{os.getpid()}-{threading.get_ident()}"
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
            unix.bind(f"\0{abstract}")
            unix.listen()
            port = tcp.getsockname()[1]
            code = f"""
                import socket
                def reach(family, address, kind=socket.SOCK_STREAM):
                    try:
                        with socket.socket(family, kind) as s:
                            s.settimeout(1)
                            s.connect(address)
                        return 0
                    except OSError as error:
                        return error.errno
                print(reach(2, ("127.0.0.1", {port})), reach(1, "\\0{abstract}"), reach(2, ("192.0.2.1", 80)),
                      reach(10, ("2001:db8::1", 80)), reach(40, (2, 1)), reach(17, ("lo", 0)), reach(16, (0, 0), 3))
            """
            answers = list(map(int, python(sandbox, code).split()))
            refused, unreachable, no_family = errno.ECONNREFUSED, errno.ENETUNREACH, errno.EAFNOSUPPORT
            assert answers == [refused, refused, unreachable, unreachable, no_family, no_family, 0]
            tcp.settimeout(0)
            unix.settimeout(0)
            for listener in (tcp, unix):
                with pytest.raises(BlockingIOError):
                    listener.accept()

    def test_its_network_is_a_silent_loopback(self, sandbox):
        assert (
            python(sandbox, "import socket; print([name for _, name in socket.if_nameindex()])") == "['lo']\n"
        )

    def test_no_file_of_the_host(self, sandbox, shown):
        (shown / "secret").write_text("secret")
        (shown / "secret").chmod(0o644)
        places = [
            shown,
            Path.home(),
            "/etc/shadow",
            "/etc/hostname",
            "/root",
            "/home",
            "/var",
            "/run",
            "/sys",
            "/work",
            "/srv",
        ]
        found = sandbox.run(
            shell(f"ls -d {' '.join(map(str, places))}; ls -A / /etc /build /build/home /build/tmp")
        )
        assert found.output.decode().split() == (
            [
                "/:",
                "bin",
                "build",
                "dev",
                "etc",
                "lib",
                "lib64",
                "proc",
                "usr",
                "/build:",
                "home",
                "tmp",
                "/build/home:",
                "/build/tmp:",
                "/etc:",
                "passwd",
            ]
        )

    def test_no_process_of_the_host(self, sandbox):
        found = sandbox.run(
            shell(
                "echo /proc/[0-9]*; cat /proc/1/cmdline | tr '\\000' ' '; cat /proc/1/environ",
                variables={"A": "b"},
            )
        )
        processes, told = found.output.decode().split("\n", 1)
        assert len(processes.split()) <= 4
        assert "A=b" not in told.split("--")[-1].split("/bin/sh")[-1]

    def test_bwrap_has_no_environment(self, sandbox, monkeypatch):
        monkeypatch.setenv("TWINE_PASSWORD", "s3cret")
        found = sandbox.run(shell("cat /proc/*/environ; cat /proc/*/cmdline"))
        assert b"s3cret" not in found.output

    def test_no_command_line_tells_where_things_lie_on_the_host(self, sandbox, shown):
        found = sandbox.run(shell("cat /proc/[0-9]*/cmdline", mounts=(Mount(shown, "/in"),)))
        assert found.ok
        assert str(shown).encode() not in found.output
        assert b"bwrap" in found.output

    def test_mounts_tell_of_nothing_but_what_is_mounted(self, sandbox, shown):
        (shown / "in").mkdir()
        found = sandbox.run(
            shell("cat /proc/self/mountinfo /proc/mounts", mounts=(Mount(shown / "in", "/in"),))
        )
        roots = {line.split()[3] for line in found.output.decode().splitlines() if line[0].isdigit()}
        own = (
            "/usr/",
            "/null",
            "/zero",
            "/full",
            "/random",
            "/urandom",
            "/tty",
            "/bindfile",
            "/bus",
            "/irq",
            "/sys",
        )
        assert {root for root in roots if not root.startswith(own)} <= {
            "/",
            str(shown / "in"),
            "/fs",
            "/newroot",
            "/sysrq-trigger",
        }

    def test_no_key_of_the_host(self, sandbox):
        code = """
            import os
            print(sum(1 for _ in open("/proc/keys")))
            for path in ("/proc/kmsg", "/dev/kmsg", "/proc/kcore", "/proc/1/root/etc/shadow"):
                try:
                    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
                    print("OPENED", path)
                except OSError:
                    pass
        """
        assert python(sandbox, code).split() == ["0"]

    def test_its_environment_is_what_it_was_given(self, sandbox):
        found = sandbox.run(
            Job(("/usr/bin/env",), variables={"LC_ALL": "C.UTF-8", "x": "a\nb =", "TMPDIR": "/t"})
        )
        assert sorted(found.output.decode().split("\n")) == sorted(
            ["HOME=/build/home", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TMPDIR=/t", "b =", "x=a", ""]
        )

    def test_nothing_is_open_but_three(self, sandbox):
        assert sandbox.run(shell("exec ls /proc/self/fd")).output.split() == [b"0", b"1", b"2", b"3"]

    def test_its_root_is_read_only(self, sandbox, shown):
        (shown / "file").write_text("host")
        (shown / "file").chmod(0o666)
        shown.chmod(0o777)
        targets = "/x /usr/x /usr/bin/x /etc/x /dev/x /proc/x /in/file /in/x /mem/file /bin/x /usr/lib/x"
        script = f"for f in {targets} /etc/passwd /mem/file; do echo x 2>/dev/null >>$f && echo WROTE $f; done; chmod 777 /in / /etc; ls"
        found = sandbox.run(shell(script, mounts=(Mount(shown, "/in"),), files={"/mem/file": b"content"}))
        assert b"WROTE" not in found.output
        assert found.output.split() == [b"home", b"tmp"]
        assert [path.name for path in shown.iterdir()] == ["file"]

    def test_a_writable_mount_is_what_leaves_it_besides(self, sandbox, shown):
        if isinstance(sandbox, AsNobody):
            os.chown(shown, 65534, 65534)
        found = sandbox.run(shell("echo built >/out/file", mounts=(Mount(shown, "/out", writable=True),)))
        assert found.ok
        assert (shown / "file").read_text() == "built\n"

    def test_a_masked_part_is_empty(self, sandbox, shown):
        (shown / "lib" / "site-packages").mkdir(parents=True)
        (shown / "lib" / "site-packages" / "secret").touch()
        (shown / "lib" / "seen").touch()
        job = shell(
            "ls -A /py/lib /py/lib/site-packages; touch /py/lib/site-packages/x",
            mounts=(Mount(shown, "/py", mask=("/py/lib/site-packages",)),),
        )
        found = sandbox.run(job)
        assert found.output.split() == [b"/py/lib:", b"seen", b"site-packages", b"/py/lib/site-packages:"]
        assert not found.ok

    def test_two_jobs_share_nothing(self, sandbox):
        script = "me=$1; echo $me >/build/tmp/$me; echo $me >/dev/shm/$me; sleep 1; ls /build/tmp /dev/shm; echo /proc/[0-9]*"
        with ThreadPoolExecutor(2) as pool:
            jobs = [Job(("/bin/sh", "-c", script, "sh", name), limits=LIMITS) for name in ("one", "two")]
            first, second = pool.map(sandbox.run, jobs)
        assert (b"one" in first.output, b"two" in first.output) == (True, False)
        assert (b"one" in second.output, b"two" in second.output) == (False, True)

    def test_files_from_memory(self, sandbox):
        content = os.urandom(MIB)
        found = sandbox.run(shell("cat /a/b/c.bin", files={"/a/b/c.bin": content}))
        assert found.output == content


class TestRights:
    def test_none(self, sandbox):
        status = dict(
            line.split(":\t", 1)
            for line in sandbox.run(shell("cat /proc/self/status")).output.decode().splitlines()
        )
        assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == ("2" if seccomp.program() else "0")
        assert set(status["Uid"].split()) == set(status["Gid"].split())
        assert status["Uid"].split()[0] not in ("0", str(os.getuid()))
        assert set(status["Groups"].split()) <= {"65534", status["Gid"].split()[0]}

    def test_system_calls(self, sandbox):
        if seccomp.program() is None:
            pytest.skip("no filter for this architecture")
        column = {"x86_64": 0, "aarch64": 1}[os.uname().machine]
        numbers = {name: numbers[column] for name, numbers in seccomp._DENIED.items()}
        code = f"""
            import ctypes, json
            libc = ctypes.CDLL(None, use_errno=True)
            def call(number, *arguments):
                ctypes.set_errno(0)
                result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
                return ctypes.get_errno() if result == -1 else 0
            answers = {{name: call(number, 0, 0, 0, 0, 0) for name, number in {numbers!r}.items()}}
            answers["clone3"] = call(435, 0, 0)
            answers["clone"] = call({seccomp._CLONE[column]}, 0x10000000 | 17, 0, 0, 0, 0)
            answers["getpid"] = call({(39, 172)[column]})
            print(json.dumps(answers))
        """
        answers = json.loads(python(sandbox, code))
        assert answers.pop("clone3") == errno.ENOSYS
        assert answers.pop("getpid") == 0
        assert answers == dict.fromkeys([*numbers, "clone"], errno.EPERM)

    def test_another_architecture_ends_the_process(self):
        code = seccomp.program("x86_64")
        assert code is not None
        assert len(code) % 8 == 0
        assert seccomp.program("aarch64") not in (None, code)
        assert seccomp.program("riscv64") is None

    def test_no_new_namespaces(self, sandbox):
        for flags in (0x10000000, 0x20000000, 0x40000000, 0x00020000):
            assert python(sandbox, f"import ctypes; print(ctypes.CDLL(None).unshare({flags}))") == "-1\n"

    def test_the_kernel_is_not_configured(self, sandbox):
        script = "for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sysrq-trigger; do echo x 2>/dev/null >$f && echo WROTE $f; done; ls /sys; exit 0"
        found = sandbox.run(shell(script))
        assert (found.ok, found.output) == (True, b"")

    def test_nothing_below_proc_is_written(self, sandbox):
        # But of its own processes; and /proc/pressure, where anybody may ask to be woken.
        code = """
            import os
            own = {"/proc/self", "/proc/thread-self", "/proc/pressure", *("/proc/" + name for name in os.listdir("/proc") if name.isdigit())}
            for root, directories, files in os.walk("/proc"):
                directories[:] = [name for name in directories if os.path.join(root, name) not in own]
                for name in files:
                    try:
                        os.close(os.open(os.path.join(root, name), os.O_WRONLY | os.O_NONBLOCK))
                        print(os.path.join(root, name))
                    except OSError:
                        pass
        """
        assert python(sandbox, code) == ""

    def test_set_uid_programs_gain_nothing(self, sandbox, shown):
        if isinstance(sandbox, AsNobody) or not sandbox.root:
            pytest.skip("only root can make such a file")
        tool = shown / "id"
        shutil.copy("/usr/bin/id", tool)
        tool.chmod(0o4755)
        found = sandbox.run(shell("/in/id -u; id -u", mounts=(Mount(shown, "/in"),)))
        one, other = found.output.split()
        assert one == other != b"0"


class TestLimits:
    def test_time(self, sandbox):
        mark = f"mark{os.urandom(8).hex()}"
        script = f"(sleep 600; : {mark}) & (setsid sh -c '(sleep 601; : {mark}) & sleep 602; : {mark}' >/dev/null 2>&1) & trap '' TERM INT HUP; sleep 603; : {mark}"
        found = sandbox.run(shell(script, limits=replace(LIMITS, seconds=1)))
        assert found.ended == "time"
        assert not found.ok
        assert 1 <= found.seconds < 120  # not 600
        assert running(mark) == []

    def test_closing_everything_is_no_way_out(self, sandbox):
        found = sandbox.run(shell("exec >&- 2>&- <&-; sleep 600", limits=replace(LIMITS, seconds=1)))
        assert found.ended == "time"

    def test_what_closes_everything_still_has_a_status(self, sandbox):
        found = sandbox.run(shell("exec >&- 2>&- <&-; sleep 0.3; exit 7"))
        assert (found.status, found.ended) == (7, "exit")

    def test_daemons_die(self, sandbox):
        mark = f"mark{os.urandom(8).hex()}"
        found = sandbox.run(
            shell(f"(setsid sh -c 'sleep 600; : {mark}' </dev/null >/dev/null 2>&1 &) ; sleep 0.2; exit 0")
        )
        assert found.ok
        assert found.seconds < 120  # not 600
        assert running(mark) == []

    def test_a_killed_caller_takes_its_job_along(self):
        mark = f"mark{os.urandom(8).hex()}"
        find("root" if os.geteuid() == 0 else "user")
        code = (
            "from rebuilders.sandbox.bubblewrap import *\n"
            f"Bubblewrap.find().run(Job(('/bin/sh', '-c', 'setsid sleep 600 & sleep 601; : {mark}')))"
        )
        with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2]) as caller:
            wait_until(lambda: len(running(mark)) > 3)
            caller.kill()
        wait_until(lambda: running(mark) == [])

    def test_the_end_while_it_is_being_set_up(self, sandbox):
        mark = f"mark{os.urandom(8).hex()}"
        for milliseconds in (1, 2, 3, 5, 8, 13, 21):
            job = shell(f"sleep 600; : {mark}", limits=replace(LIMITS, seconds=milliseconds / 1000))
            try:
                assert sandbox.run(job).ended == "time"
            except SandboxUnavailable as error:
                assert "not set up within" in str(error)  # noqa: PT017 - either is right
        assert running(mark) == []

    @pytest.mark.parametrize(
        "start",
        [
            "if os.fork() == 0: time.sleep(60)",
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        ],
    )
    def test_processes(self, sandbox, start):
        code = f"import os, threading, time\nfor _ in range(40):\n  {start}\ntime.sleep(60)"
        job = replace(job_of(code), limits=replace(LIMITS, memory=4096 * MIB))
        assert sandbox.run(job).ended == "process"

    def test_more_processes_than_can_be_watched_are_refused(self, sandbox):
        code = "import os, time\nwhile True:\n  if os.fork() == 0: time.sleep(60)"
        found = sandbox.run(job_of(code))
        assert found.ended == "process" or b"Resource temporarily unavailable" in found.log

    def test_a_fork_bomb(self, sandbox):
        mark = f"mark{os.urandom(8).hex()}"
        found = sandbox.run(
            shell(f"f() {{ f | f & }}; f; sleep 60; : {mark}", limits=replace(LIMITS, seconds=5))
        )
        assert not found.ok or b"Cannot fork" in found.log
        assert running(mark) == []

    def test_sockets(self, sandbox):
        code = "import socket, time\nheld = [socket.socketpair() for _ in range(600)]\ntime.sleep(60)"
        assert sandbox.run(job_of(code)).ended == "socket"

    def test_sockets_that_are_on_their_way(self, sandbox):
        code = """
            import array, socket, time
            held = []
            for _ in range(600):
                one, other, more = *socket.socketpair(), socket.socket()
                one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [more.fileno()]))])
                more.close()
                held += [one, other]
            time.sleep(60)
        """
        assert sandbox.run(job_of(code)).ended == "socket"

    @pytest.mark.parametrize("what", ["bytearray(600 << 20)", "__import__('mmap').mmap(-1, 600 << 20)"])
    def test_address_space(self, sandbox, what):
        found = sandbox.run(job_of(f"held = {what}"))
        assert found.status == 1
        assert b"MemoryError" in found.log or b"Cannot allocate memory" in found.log

    @pytest.mark.parametrize(
        "what",
        ["bytearray(b'x' * (60 << 20))", "(m := __import__('mmap').mmap(-1, 60 << 20)).write(b'x' * len(m))"],
    )
    def test_memory_of_all_together(self, sandbox, what):
        found = sandbox.run(
            job_of(
                f"import os, time\nfor _ in range(5):\n  if os.fork() == 0: held = {what}; time.sleep(60)\ntime.sleep(60)"
            )
        )
        assert found.ended == "memory"

    def test_memory_that_forks_share_counts_once(self, sandbox):
        code = "import os, time\nheld = b'x' * (60 << 20)\nfor _ in range(6):\n  if os.fork() == 0: time.sleep(1); os._exit(0)\ntime.sleep(1.2)"
        assert sandbox.run(job_of(code)).ok

    @pytest.mark.parametrize("path", ["/build/tmp/x", "/dev/shm/x"])
    @pytest.mark.parametrize(
        "after", ["sleep 60", "exit 0", f"rm {{path}}*; head -c {17 * MIB} /dev/zero >/build/x; exit 0"]
    )
    def test_disk(self, sandbox, path, after):
        script = f"i=0; while head -c {3 * MIB} /dev/zero >{path}$i; do i=$((i+1)); done; {after.format(path=path)}"
        assert sandbox.run(shell(script)).ended == "disk"

    def test_what_is_within_the_limits_is_not_refused(self, sandbox):
        script = f"head -c {7 * MIB} /dev/zero >x && head -c {7 * MIB} /dev/zero >y && head -c {3 * MIB} /dev/zero >/dev/shm/x"
        found = sandbox.run(shell(script))
        assert (found.ok, found.log) == (True, b"")

    def test_files_and_memory_count_together(self, sandbox):
        limits = replace(LIMITS, scratch=100 * MIB, resident=100 * MIB)
        code = "import time\nwith open('/build/x', 'wb') as f: f.write(bytes(7 << 20))\nwith open('/build/y', 'wb') as f:\n  for _ in range(8): f.write(bytes(7 << 20))\nheld = b'x' * (60 << 20)\ntime.sleep(60)"
        job = replace(job_of(code), limits=replace(limits, file=64 * MIB))
        assert sandbox.run(job).ended == "memory"

    @pytest.mark.parametrize("place", ["/build/tmp", "/dev/shm"])
    @pytest.mark.parametrize(
        "make",
        [
            "os.close(os.open(path, os.O_CREAT | os.O_WRONLY))",
            "os.mkdir(path)",
            "os.symlink('x', path)",
            "os.mkfifo(path)",
        ],
    )
    def test_inodes(self, sandbox, place, make):
        code = f"import os, time\nfor number in range(3000):\n  path = '{place}/%d' % number\n  {make}"
        job = replace(job_of(code), limits=replace(LIMITS, inodes=2000))
        assert sandbox.run(job).ended == "inode"

    def test_a_limit_that_was_broken_at_the_end_counts(self, sandbox):
        script = f"head -c {17 * MIB} /dev/zero >/build/x; exit 0"
        found = sandbox.run(shell(script, limits=replace(LIMITS, file=32 * MIB)))
        assert (found.ended, found.ok) == ("disk", False)

    def test_a_file(self, sandbox):
        found = sandbox.run(job_of("with open('/build/x', 'wb') as f:\n  f.truncate(10 << 30)"))
        assert b"File too large" in found.log
        found = sandbox.run(shell("exec cat /dev/zero >/build/x"))
        assert found.status == 128 + 25

    def test_no_core_is_left(self, sandbox):
        found = sandbox.run(shell("sh -c 'kill -SEGV $$'; ls /build"))
        assert found.output.split() == [b"home", b"tmp"]

    def test_output_for_ever(self, sandbox):
        found = sandbox.run(shell("cat /dev/zero"))
        assert found.ended == "output"
        assert len(found.output) <= LIMITS.output + MIB

    def test_a_log_for_ever(self, sandbox):
        found = sandbox.run(shell("cat /dev/zero >&2"))
        assert found.ended == "log"
        assert len(found.log) < 2 * LIMITS.log_kept

    def test_the_ends_of_a_log_are_kept(self, sandbox):
        found = sandbox.run(shell("echo first >&2; head -c 1000000 /dev/zero >&2; echo last >&2"))
        assert found.ok
        assert found.log.startswith(b"first\n")
        assert found.log.endswith(b"last\n")
        assert len(found.log) < LIMITS.log_kept + 100
        assert b"bytes cut ...]" in found.log

    def test_an_output_is_intact(self, sandbox, shown):
        content = os.urandom(MIB)
        (shown / "file").write_bytes(content)
        (shown / "file").chmod(0o644)
        found = sandbox.run(
            shell("cat /in/file; head -c 100000 /dev/zero >&2", mounts=(Mount(shown, "/in"),))
        )
        assert (found.ended, found.output == content) == ("exit", True)

    @pytest.mark.parametrize(
        ("script", "status"),
        [("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("nothing-there", 127)],
    )
    def test_statuses(self, sandbox, script, status):
        assert sandbox.run(shell(script)).status == status


class TestUnavailable:
    def test_a_job_cannot_pretend_it(self, sandbox):
        for script in (
            "echo 'bwrap: setting up failed' >&2; exit 1",
            "printf '\\001' ; exit 1",
            "kill -9 -1",
            "kill -9 1; exit 1",
            "exec 1>&-; exit 1",
        ):
            assert isinstance(sandbox.run(shell(script)), Finished)

    def test_a_source_that_is_not_there(self, sandbox):
        with pytest.raises(SandboxUnavailable, match=r"could not be set up: .*nowhere"):
            sandbox.run(shell("exit 0", mounts=(Mount(Path("/nowhere/at/all"), "/in"),)))

    @pytest.mark.parametrize(
        "script",
        [
            "exit 0",
            "exit 1",
            "echo out; exit 0",
            "echo 'bwrap: No permissions' >&2; exit 1",
            "kill -9 $$",
            "exec >&- 2>&-",
        ],
    )
    def test_a_bwrap_that_fails(self, tmp_path, script):
        fake = tmp_path / "bwrap"
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o755)
        with pytest.raises(SandboxUnavailable, match="could not be set up"):
            Bubblewrap(fake, root=False).run(shell("exit 0"))

    def test_a_bwrap_that_hangs(self, tmp_path):
        fake = tmp_path / "bwrap"
        fake.write_text("#!/bin/sh\nsleep 60\n")
        fake.chmod(0o755)
        with pytest.raises(SandboxUnavailable, match="not set up within"):
            Bubblewrap(fake, root=False).run(shell("exit 0", limits=replace(LIMITS, seconds=0.3)))

    @pytest.mark.parametrize("content", [None, b"", b"\x7fELF nonsense"])
    def test_a_bwrap_that_is_no_program(self, tmp_path, content):
        fake = tmp_path / "bwrap"
        if content is not None:
            fake.write_bytes(content)
            fake.chmod(0o755)
        with pytest.raises(SandboxUnavailable, match="cannot be started"):
            Bubblewrap(fake, root=False).run(shell("exit 0"))

    def test_none_installed(self, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(SandboxUnavailable, match="not installed") as caught:
            Bubblewrap.find()
        assert "apt install bubblewrap" in caught.value.hint


def job_of(code):
    """A job that runs `code` with a Python that anybody can read."""
    lines = code.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    plain = "\n".join(line[indent:] for line in lines)
    system = next(
        (path for path in sorted(Path("/usr/bin").glob("python3.*")) if path.name[9:].isdigit()), None
    )
    if system is None:
        pytest.skip("this machine has no Python of the system's")
    library = Path(f"/usr/lib/{system.name}")
    mounts = (Mount(system, "/usr/bin/python3"), Mount(library, str(library)))
    return Job(("/usr/bin/python3", "-I", "-S", "-c", plain), mounts, limits=LIMITS)


def python(sandbox, code):
    found = sandbox.run(job_of(code))
    assert found.ok, found.log
    return found.output.decode()


def running(mark):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in data and path.parent.name != str(os.getpid()):
            found.append(path.parent.name)
    return found
