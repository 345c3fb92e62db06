"""Sdists whose build attacks the node, one fault each: every one ends as a documented result, and nothing is left.

What is built lies in the sdist itself and requires nothing, so that there is no network in any of it.
"""
# ruff: noqa: E501 - a row of a table is a line

import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from rebuilders.config import Settings
from rebuilders.result import result_of, to_json
from rebuilders.sandbox.interface import Limits
from rebuilders.text import rendered
from rebuilders.wiring import open_workshop
from tests.releases import BACKEND, PYPROJECT, WHEEL, Publisher, member, tar_gz, wheel_bytes
from witness.limits import MIB
from witness.names import TargetName

pytestmark = pytest.mark.sandbox

LIMITS = Limits(
    seconds=20, resident=512 * MIB, scratch=64 * MIB, file=32 * MIB, processes=32, inodes=20_000,
    output=16 * MIB, log_kept=64 * 1024, log_total=128 * MIB,
)  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def workshop(cache):
    opened = open_workshop(Settings(index="http://127.0.0.1:9/simple/", cache=cache))
    # One interpreter, so that what fails is not tried with others.
    return replace(
        opened, ports=replace(opened.ports, limits=LIMITS, interpreters=opened.ports.interpreters[:1])
    )


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path / "releases")


@pytest.fixture
def rebuild(workshop):
    """Rebuilds a release; returns (result, phase, cause, log), after checking what holds of every one."""

    def run(release, **limits):
        ports = replace(workshop.ports, limits=replace(workshop.ports.limits, **limits))
        report = replace(workshop, ports=ports).rebuild_files(release.wheel, release.sdist, 60)
        assert release.processes() == []
        name = TargetName.parse(WHEEL)
        assert rendered(report, name).replace("\n", "").isprintable()
        json.dumps(to_json(report, name))
        failure = report.failure
        log = report.best.built.log if report.best else failure.log
        return result_of(report), failure and failure.phase, failure and failure.cause, log

    return run


def body(code):
    """A `build_wheel` that runs `code` first, its names `directory` and `honest` at hand."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    return (
        "\nimport socket, struct, subprocess, sys, time\n"
        "honest = build_wheel\n"
        f"def build_wheel(directory, config_settings=None, metadata_directory=None):\n{lines}\n"
        "    return honest(directory)\n"
    )


def test_an_honest_one(publisher, rebuild):
    assert rebuild(publisher.release())[0] == "match"


def test_a_backend_in_a_directory_of_its_own(publisher, rebuild):
    pyproject = PYPROJECT.replace('"."', '"tools/build/../build"').encode()
    sdist = tar_gz(
        member("d/pyproject.toml", pyproject), member("d/tools/build/backend.py", BACKEND.encode())
    )
    assert rebuild(publisher.release(sdist=sdist))[0] == "match"


def test_a_wheel_with_something_added(publisher, rebuild, tmp_path):
    other = wheel_bytes('\nMEMBERS["evil.py"] = b"import os\\n"\n')
    result, _, _, _ = rebuild(publisher.release(wheel=other))
    assert result == "mismatch"


class TestReach:
    """What a build can see or touch of the host: each attempt says in the log what it got."""

    @pytest.mark.enable_socket
    def test_no_listener_of_the_host(self, publisher, rebuild):
        reached = []
        with listening(reached) as (port, abstract):
            code = f"""
for family, address in (
    (socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_INET, ("10.255.255.1", 80)), (socket.AF_UNIX, {abstract!r}),
):
    try:
        with socket.socket(family) as client:
            client.settimeout(2)
            client.connect(address)
            client.sendall(b"hello")
            print("REACHED", address)
    except OSError as error:
        print("refused", error.errno)
"""
            result, _, _, log = rebuild(publisher.release(body(code)))
        assert result == "match"
        assert log.count(b"refused") == 3
        assert reached == []

    def test_no_secret_of_the_host(self, publisher, rebuild, tmp_path, monkeypatch, cache):
        secret = "s3cret-" + "f" * 20
        home = tmp_path / "home"
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "id_ed25519").write_text(secret)
        (home / ".netrc").write_text(secret)
        (cache / "token").write_text(secret)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("TWINE_PASSWORD", secret)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        code = f"""
import pwd
print("ENV", sorted(os.environ.items()))
places = [{str(home)!r}, {str(tmp_path)!r}, {str(cache)!r}, "/root", "/home", "/etc/shadow", "/var", "/work", "/mnt", "/run"]
print("SEEN", [place for place in places if os.path.exists(place)])
print("HOME", os.listdir(os.path.expanduser("~")))
print("USERS", [entry.pw_name for entry in pwd.getpwall()])
found = []
for root, directories, files in os.walk("/"):
    if root.startswith("/proc/") and not root.startswith(("/proc/1/", "/proc/self/")):
        directories[:] = []
        continue
    for name in files:
        path = os.path.join(root, name)
        if root.startswith(("/usr", "/opt", "/lib")):
            continue
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            if b"s3cret-" + b"f" * 20 in os.read(descriptor, 1 << 20):
                found.append(path)
        except OSError:
            pass
        finally:
            os.close(descriptor)
print("FOUND", [path for path in found if "driver" not in path])
"""
        result, _, _, log = rebuild(publisher.release(body(code)))
        assert result == "match"
        lines = dict(line.split(" ", 1) for line in log.decode().splitlines())
        assert secret not in lines["ENV"]
        assert "SSH" not in lines["ENV"]
        assert lines["SEEN"] == "[]"
        assert lines["HOME"] == "[]"
        assert lines["USERS"] == "['build']"
        assert lines["FOUND"] == "[]"

    def test_the_published_wheel_is_nowhere(self, publisher, rebuild):
        code = """
found = []
for root, directories, files in os.walk("/"):
    if root.startswith(("/proc/", "/usr/lib", "/opt/python/lib")):
        directories[:] = []
        continue
    for name in files:
        path = os.path.join(root, name)
        try:
            with open(path, "rb") as file:
                if name.endswith(".whl") or (os.path.isfile(path) and b"demo-1.0.dist-info" + b"/RECORD" in file.read()):
                    found.append(path)
        except OSError:
            pass
print("FOUND", found)
"""
        code = code.replace('open(path, "rb")', 'open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")')
        result, _, _, log = rebuild(publisher.release(body(code)))
        assert result == "match"
        assert b"FOUND []" in log

    def test_nothing_is_written_outside(self, publisher, rebuild, tmp_path, cache):
        places = ["/x", "/usr/x", "/env/x", "/env/bin/x", "/etc/passwd", "/in/driver.py", "/dev/x", "/opt/x",
                  "/opt/python/lib/x", "/proc/sys/kernel/core_pattern", str(tmp_path / "x"), str(cache / "x")]  # fmt: skip
        code = f"""
import stat
for path in {places!r}:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "ab").close()
        print("WROTE", path)
    except OSError:
        pass
for root, directories, files in os.walk("/"):
    if not root.startswith(("/proc", "/build", "/usr/lib")) and os.access(root, os.W_OK):
        print("WRITABLE", root)
"""
        before = sorted(cache.rglob("*"))
        result, _, _, log = rebuild(publisher.release(body(code)))
        assert result == "match"
        assert b"WROTE" not in log
        writable = {line for line in log.decode().splitlines() if line.startswith("WRITABLE")}
        assert writable <= {"WRITABLE /dev/shm"}
        assert not (tmp_path / "x").exists()
        assert sorted(cache.rglob("*")) == before

    def test_a_daemon_dies_with_its_build(self, publisher, rebuild):
        release = publisher.release(
            body("""
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(3):
                os.close(number)
            time.sleep(600)
        os._exit(0)
""")
        )
        assert rebuild(release)[0] == "match"

    def test_two_at_once_see_nothing_of_each_other(self, publisher, rebuild):
        code = """
me = os.environ.get("MARK", "%s")
os.makedirs("/build/tmp/meet", exist_ok=True)
for place in ("/build/tmp", "/dev/shm"):
    with open(os.path.join(place, me), "w") as file:
        file.write(me)
listener = socket.socket(socket.AF_UNIX)
listener.bind("\\0meeting")
served = socket.socket()
served.bind(("127.0.0.1", 4711))
time.sleep(1.5)
print("SEEN", sorted(set(os.listdir("/build/tmp") + os.listdir("/dev/shm")) - {"meet"}))
print("PIDS", len([name for name in os.listdir("/proc") if name.isdigit()]))
"""
        releases = [publisher.release(body(code % mark)) for mark in ("one", "two")]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(rebuild, releases))
        for mark, (result, _, _, log) in zip(("one", "two"), answers, strict=True):
            assert result == "match"
            assert f"SEEN ['{mark}']".encode() in log
            assert int(log.split(b"PIDS ")[1].split()[0]) <= 4


@contextmanager
def listening(reached):
    """A TCP and an abstract Unix listener of the host; what they accept is added to `reached`."""
    abstract = f"\0wheelwitness-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(abstract)
        unix.listen()
        for listener in (tcp, unix):
            listener.settimeout(0.1)

        def accept(listener):
            while not done.is_set():
                try:
                    listener.accept()[0].close()
                    reached.append(listener.family)
                except TimeoutError:
                    continue

        done = threading.Event()
        threads = [threading.Thread(target=accept, args=(listener,)) for listener in (tcp, unix)]
        for thread in threads:
            thread.start()
        try:
            with socket.create_connection(tcp.getsockname()):
                pass  # it does listen
            while not reached:
                pass
            reached.clear()
            yield tcp.getsockname()[1], abstract
        finally:
            done.set()
            for thread in threads:
                thread.join()


# What a backend does, then: phase, cause.
ANSWERS = {
    "parent directory": ('make(directory + "/x-1.0-py3-none-any.whl"); return "../x-1.0-py3-none-any.whl"', "output", "no-wheel|bad-filename"),
    "absolute": ("return os.path.join(directory, honest(directory))", "output", "bad-filename"),
    "link to a file": (f'os.symlink("/etc/passwd", directory + "/{WHEEL}"); return NAME', "output", "no-wheel"),
    "link to an honest wheel": ('os.rename(directory + "/" + honest(directory), "/build/tmp/w"); os.symlink("/build/tmp/w", directory + "/" + NAME); return NAME', "output", "no-wheel"),
    "directory": ("os.mkdir(directory + '/' + NAME); return NAME", "output", "no-wheel"),
    "pipe": ("os.mkfifo(directory + '/' + NAME); return NAME", "output", "no-wheel"),
    "nothing": ("return NAME", "output", "no-wheel"),
    "number": ("return 5", "output", "no-wheel"),
    "none": ("return None", "output", "no-wheel"),
    "list": ("return [NAME]", "output", "no-wheel"),
    "NUL": ("return 'a\\0b.whl'", "output", "no-wheel"),
    "half a surrogate": ("return '\\ud800.whl'", "output", "no-wheel"),
    "very long": ("return 'a' * 2_000_000", "output", "no-wheel"),
    "another name": ("os.rename(directory + '/' + honest(directory), directory + '/x.whl'); return 'x.whl'", "output", "bad-filename"),
    "not a ZIP file": ("open(directory + '/' + NAME, 'wb').write(b'PK' * 99); return NAME", "output", "malformed-output"),
    "empty": ("open(directory + '/' + NAME, 'wb').close(); return NAME", "output", "malformed-output"),
    "exit 0": ("os._exit(0)", "output", "no-wheel"),
    "exit 1": ("os._exit(1)", "build", "backend-error"),
    "raises": ("raise ValueError('no')", "build", "backend-error"),
    "SystemExit": ("sys.exit(0)", "build", "backend-error"),
    "killed": ("os.kill(os.getpid(), 9)", "build", "backend-error"),
    "segfault": ("os.kill(os.getpid(), 11)", "build", "backend-error"),
    "pretends to be the sandbox": ("os.write(2, b'bwrap: cannot set up\\n'); os._exit(1)", "build", "backend-error"),
    "closes everything": ("os.closerange(0, 999); os._exit(3)", "build", "backend-error"),
    "forged, invalid JSON": ("os.write(OUT, struct.pack('>Q', 5) + b'{nope'); os._exit(0)", "output", "no-wheel"),
    "forged, deep JSON": ("os.write(OUT, struct.pack('>Q', 60000) + b'[' * 60000); os._exit(0)", "output", "no-wheel"),
    "forged, a list": ("os.write(OUT, struct.pack('>Q', 2) + b'[]'); os._exit(0)", "output", "no-wheel"),
    "forged, keys missing": ("os.write(OUT, struct.pack('>Q', 14) + b'{\"hook\": [[1]]}'[:14]); os._exit(0)", "output", "no-wheel"),
    "forged, endless header": ("os.write(OUT, b'\\xff' * 8 + b'{}'); os._exit(0)", "output", "no-wheel"),
    "forged, an empty answer": ("t = b'{\"hook\": {}, \"wheel\": null}'; os.write(OUT, struct.pack('>Q', len(t)) + t); os._exit(0)", "output", "no-wheel"),
    "forged, no wheel in it": ("os.write(OUT, struct.pack('>Q', 45) + b'{\"hook\": {\"return_val\": \"x\"}, \"wheel\": null}  '); os._exit(0)", "output", "no-wheel"),
    "forged, hook missing": ("t = b'{\"hook\": {\"hook_missing\": true}, \"wheel\": null}'; os.write(OUT, struct.pack('>Q', len(t)) + t); os._exit(0)", "hook", "invalid-project"),
    "forged, no backend": ("t = b'{\"hook\": {\"no_backend\": true}, \"wheel\": null}'; os.write(OUT, struct.pack('>Q', len(t)) + t); os._exit(0)", "hook", "backend-unavailable"),
}  # fmt: skip
# The driver keeps its way out in a descriptor that the build, being of the same process, can find.
FIND_OUT = "OUT = next(fd for fd in range(3, 99) if os.path.exists('/proc/self/fd/%d' % fd) and 'pipe:' in os.readlink('/proc/self/fd/%d' % fd))\n"


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_no_answer(publisher, rebuild, name):
    code, phase, cause = ANSWERS[name]
    result, *where, _ = rebuild(publisher.release(body((FIND_OUT if "OUT" in code else "") + code)))
    assert result == "build-failed"
    assert where[0] == phase
    assert where[1] in cause.split("|")


def test_a_forged_answer_is_only_another_wheel(publisher, rebuild):
    code = """
path = directory + "/" + honest(directory)
wheel = open(path, "rb").read()
text = b'{"hook": {"return_val": "%s"}, "wheel": "%s"}' % (NAME.encode(), NAME.encode())
os.write(OUT, struct.pack(">Q", len(text)) + text + wheel)
os._exit(0)
"""
    assert rebuild(publisher.release(body(FIND_OUT + code)))[0] == "match"
    assert (
        rebuild(publisher.release(body(FIND_OUT + code.replace(".read()", ".read() + b'x'"))))[0]
        == "mismatch"
    )


# At import, that is while the backend is loaded; and what the table of the build system may say.
IMPORTS = {
    "exit": ("\nos._exit(0)\n", "output", "no-wheel"),
    "raise": ("\nraise ImportError('no')\n", "hook", "backend-unavailable"),
    "no hook": ("\ndel build_wheel\n", "build", "backend-error"),
    "output for ever": ("\nwhile True: os.write(1, b'x' * 65536)\n", "build", "log-limit"),
}
PROJECTS = {
    "outside": 'backend-path = ["../../../etc"]',
    "absolute": 'backend-path = ["/etc"]',
    "not there": 'backend-path = ["nowhere"]',
    "NUL": 'backend-path = ["a\\u0000b"]',
    "no list": 'backend-path = "."',
    "numbers": "backend-path = [1, 2]",
    "long": f'backend-path = ["{"x" * 5000}"]',
    "unknown key": "other = 1",
}


@pytest.mark.parametrize("name", IMPORTS)
def test_at_import(publisher, rebuild, name):
    code, phase, cause = IMPORTS[name]
    assert rebuild(publisher.release(code))[:3] == ("build-failed", phase, cause)


@pytest.mark.parametrize("name", PROJECTS)
def test_a_build_system_that_is_none(publisher, rebuild, name):
    pyproject = PYPROJECT.replace('backend-path = ["."]', PROJECTS[name])
    assert rebuild(publisher.release(pyproject=pyproject))[:3] == ("build-failed", "hook", "invalid-project")


@pytest.mark.parametrize("backend", ["a\\u0000b", "x" * 200_000, "a b", "-c", "nope:x.y", "", "\\u001b[31m"])
def test_a_backend_that_has_no_such_name(publisher, rebuild, backend):
    pyproject = PYPROJECT.replace('"backend"', f'"{backend}"')
    result, phase, _, _ = rebuild(publisher.release(pyproject=pyproject))
    assert result == "build-failed"
    assert phase in ("hook", "build", "output")


# What takes too much: the limits that it may break, whichever is first.
GREEDY = {
    "sleeps": ("time.sleep(600)", "time"),
    "sleeps, all closed": ("os.closerange(0, 999)\ntime.sleep(600)", "time"),
    "sleeps, deaf": ("import signal\nfor number in (1, 2, 15):\n  signal.signal(number, signal.SIG_IGN)\ntime.sleep(600)", "time"),
    "spins": ("while True: pass", "time"),
    "waits for a child": ("subprocess.call(['sleep', '600'])", "time"),
    "memory": ("held = bytearray(3 << 30)", "memory"),
    "memory of many": ("for _ in range(8):\n  if os.fork() == 0: held = bytearray(200 << 20); time.sleep(60)\ntime.sleep(60)", "memory"),
    "memory shared by none": ("import mmap\nfor _ in range(8):\n  if os.fork() == 0: m = mmap.mmap(-1, 200 << 20); m.write(b'x' * len(m)); time.sleep(60)\ntime.sleep(60)", "memory"),
    "disk": ("for i in range(99):\n  with open('/build/tmp/%d' % i, 'wb') as f: f.write(bytes(4 << 20))", "disk"),
    "shared memory's disk": ("with open('/dev/shm/x', 'wb') as f:\n  for _ in range(99): f.write(bytes(1 << 20))", "disk"),
    "a large file": ("with open('/build/tmp/x', 'wb') as f:\n  for _ in range(64): f.write(bytes(1 << 20))", "disk"),
    "a sparse wheel of 10 GiB": ("with open(directory + '/' + NAME, 'wb') as f: f.truncate(10 << 30)\nreturn NAME", "disk"),
    "a large wheel": ("with open(directory + '/' + NAME, 'wb') as f: f.truncate(24 << 20)\nreturn NAME", "output"),
    "output for ever": (FIND_OUT + "while True: os.write(OUT, b'x' * 65536)", "output"),
    "log for ever": ("while True: os.write(2, b'x' * 65536)", "log"),
    "processes": ("for _ in range(99):\n  if os.fork() == 0: time.sleep(60)\ntime.sleep(60)", "process"),
    "threads": ("import threading\nfor _ in range(99): threading.Thread(target=time.sleep, args=(60,)).start()\ntime.sleep(60)", "process"),
    "files without end": ("for i in range(10 ** 7): open('/build/tmp/%d' % i, 'w').close()", "inode"),
    "directories without end": ("for i in range(10 ** 7): os.mkdir('/dev/shm/%d' % i)", "inode"),
    "sockets": ("held = [socket.socketpair() for _ in range(1000)]\ntime.sleep(60)", "socket"),
    "a fork bomb": ("while True:\n  try: os.fork()\n  except OSError: pass", "process|time"),
    "a fork bomb in shell": ("subprocess.run(['sh', '-c', 'f() { f | f & }; f; wait'])\nraise SystemExit(1)", "process|time"),
}  # fmt: skip


@pytest.mark.parametrize("name", GREEDY)
def test_what_takes_too_much(publisher, rebuild, name):
    code, limits = GREEDY[name]
    seconds = 1.5 if "time" in limits else 20
    release = publisher.release(body(code))
    result, phase, cause, _ = rebuild(release, seconds=seconds)
    assert (result, phase) == ("build-failed", "build")
    assert cause in {f"{limit}-limit" for limit in limits.split("|")}


# What runs into a limit, lets nobody know, and goes on to a wheel that differs.
QUIET = {
    "disk": "name = '/build/tmp/x%d'\nfor i in range(999):\n  with open(name % i, 'wb') as f: f.write(bytes(4 << 20))",
    "shared memory's disk": "for i in range(999):\n  with open('/dev/shm/%d' % i, 'wb') as f: f.write(bytes(4 << 20))",
    "inodes": "for i in range(10 ** 7): open('/build/tmp/%d' % i, 'w').close()",
    "memory": "held = []\nwhile True: held.append(b'x' * (16 << 20))",
    "processes": "while True:\n  if os.fork() == 0: time.sleep(60)",
    "threads": "import threading\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "sockets": "held = []\nwhile True: held.append(socket.socketpair())",
}  # fmt: skip


@pytest.mark.parametrize("name", QUIET)
def test_no_mismatch_comes_of_a_limit(publisher, rebuild, name):
    lines = "\n".join(f"    {line}" for line in QUIET[name].splitlines())
    code = f"try:\n{lines}\nexcept BaseException: pass\nmake(directory + '/' + NAME, dict(MEMBERS, less=b''))\nreturn NAME"
    result, phase, cause, _ = rebuild(publisher.release(body(code)))
    assert (result, phase) == ("build-failed", "build")
    assert cause in (
        "disk-limit", "inode-limit", "memory-limit", "process-limit", "socket-limit", "descriptor-limit")  # fmt: skip


def test_a_long_log_is_no_fault(publisher, rebuild):
    result, _, _, log = rebuild(
        publisher.release(body("for _ in range(100): os.write(1, b'y' * (1 << 20))\nprint('the end')"))
    )
    assert result == "match"
    assert len(log) < 2 * LIMITS.log_kept
    assert b"bytes cut" in log
    assert b"the end" in log


def test_the_next_target_still_works(publisher, rebuild):
    for code in ("os._exit(0)", "while True: os.fork()", "time.sleep(60)"):
        rebuild(publisher.release(body(code)), seconds=1)
    assert rebuild(publisher.release())[0] == "match"
