"""The programs among hostile packages: every one has its line and its exit code, the next has its turn, and who is
told to end leaves nothing behind.
"""
# ruff: noqa: E501 - a row of a table is a line

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.package_index import serving
from tests.releases import BACKEND, PYPROJECT, WHEEL, Publisher, member, sdist_bytes, tar_gz, wheel_bytes
from tests.waiting import wait_until

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

NOWHERE = ("--index", "http://127.0.0.1:9/simple/")
REBUILDER = [sys.executable, "-P", "-c", "from rebuilders.cli.main import main; main()"]
LASTING = "\nimport time\ntime.sleep(250)\n"
LINK, HARD, FIFO = b"2", b"1", b"6"


def does(code):
    """Code at the end of a backend, so that building the wheel runs `code` first."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    return f"\nimport signal, subprocess, sys, time\nhonest = build_wheel\ndef build_wheel(directory, *_, **__):\n{lines}\n    return honest(directory)\n"


# One fault each: what is appended to the backend, and (result, cause) of it.
BUILDS = {
    "exits": (does("os._exit(0)"), ("build-failed", "no-wheel")),
    "fails": (does("os._exit(3)"), ("build-failed", "backend-error")),
    "raises": (does("raise ValueError('\\x1b[2J')"), ("build-failed", "backend-error")),
    "kills": (does("os.kill(os.getpid(), 9)"), ("build-failed", "backend-error")),
    "killsall": (does("os.kill(-1, 9)\nos.kill(os.getpid(), 9)"), ("build-failed", "backend-error")),
    "killsfirst": (does("os.kill(1, 9)\nos.kill(1, 15)\nos._exit(1)"), ("build-failed", "backend-error")),
    "returnsup": (does("return '../' + honest(directory)"), ("build-failed", "bad-filename")),
    "returnslink": (does("os.symlink('/etc/passwd', directory + '/' + NAME)\nreturn NAME"), ("build-failed", "no-wheel")),
    "returnspipe": (does("os.mkfifo(directory + '/' + NAME)\nreturn NAME"), ("build-failed", "no-wheel")),
    "returnsgarbage": (does("open(directory + '/' + NAME, 'wb').write(b'PK' * 999)\nreturn NAME"), ("build-failed", "malformed-output")),
    "returnsnumber": (does("return 7"), ("build-failed", "no-wheel")),
    "imports": ("\nraise ImportError('no')\n", ("build-failed", "backend-unavailable")),
    "lacks": ("\nimport nothing_of_this_name\n", ("build-failed", "backend-unavailable")),
    "floods": ("\nwhile True: os.write(2, b'x' * 65536)\n", ("build-failed", "log-limit")),
    "forks": (does("while True:\n  try: os.fork()\n  except OSError: pass"), ("build-failed", "process-limit")),
    "connects": (does("import socket\nsocket.create_connection(('192.0.2.1', 80), 5)"), ("build-failed", "needs-network")),
    "resolves": (does("import socket\nsocket.getaddrinfo('index.example', 443)"), ("build-failed", "needs-network")),
    "daemon": (does("if os.fork() == 0:\n  os.setsid()\n  os.closerange(0, 99)\n  time.sleep(600)"), ("match", None)),
    "deaf": (does("for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)"), ("match", None)),
    "shouts": (does("print('\\x1b]0;evil\\x07' * 99, flush=True)"), ("match", None)),
    "writes": (does("for path in ('/env/x', '/usr/x', '/etc/passwd', '/proc/sys/kernel/core_pattern'):\n  try: open(path, 'a').write('x')\n  except OSError: pass\n  else: raise SystemExit(path)"), ("match", None)),
    "adds": ("\nMEMBERS['evil.py'] = b'import os\\n'\n", ("mismatch", "added")),
    "changes": ("\nMEMBERS['NAME.py'] = b'VALUE = 2\\n'\n", ("mismatch", "generated-file")),
}  # fmt: skip
# One fault each: members in the sdist besides.
MEMBERS = {
    "traversal": (member("TOP/../../evil", b"x"),),
    "absolute": (member("/evil", b"x"),),
    "paxpath": (member("TOP/x", b"x", pax_headers={"path": "../evil"}),),
    "paxsize": (member("TOP/x", b"x" * 600, pax_headers={"size": "1"}),),
    "linkout": (member("TOP/x", type=LINK, linkname="/etc"),),
    "linkthrough": (member("TOP/x", type=LINK, linkname="."), member("TOP/x/y", b"y")),
    "linkreplaced": (member("TOP/x", type=LINK, linkname="backend.py"), member("TOP/x", b"x")),
    "linkproject": (member("TOP/setup.py", type=LINK, linkname="backend.py"),),
    "hardlink": (member("TOP/x", type=HARD, linkname="TOP/nowhere"),),
    "pipe": (member("TOP/x", type=FIFO),),
    "device": (member("TOP/x", type=b"3", devmajor=1, devminor=3),),
    "sparse": (member("TOP/x", pax_headers={"GNU.sparse.realsize": str(1 << 40)}),),
    "unknown": (member("TOP/x", type=b"Z"),),
    "below": (member("TOP/backend.py/x", b"x"),),
    "twotops": (member("other/x", b"x"),),
    "notime": (member("TOP/x", b"x", pax_headers={"mtime": "nan"}),),
}  # fmt: skip
BYTES = {
    "trailing": sdist_bytes() + b"x",
    "twogzips": sdist_bytes() * 2,
    "cut": sdist_bytes()[:-9],
    "nothing": b"",
}
REFUSED = ("not-attempted", "malformed-sdist")


def published(index):
    """Every hostile project, and an honest one after them, in the index: what is to be told of each."""
    expected = {}
    for name, (more, told) in BUILDS.items():
        index.files[name] = release(name, more=more.replace("NAME.py", f"{name}.py"))
        expected[name] = told
    for name, members in MEMBERS.items():
        named = tuple(
            member(info.name.replace("TOP", f"{name}-1.0"), content, type=info.type, linkname=info.linkname.replace("TOP", f"{name}-1.0"),
                   pax_headers=info.pax_headers, devmajor=info.devmajor, devminor=info.devminor)
            for info, content in members
        )  # fmt: skip
        index.files[name] = release(name, members=named)
        expected[name] = REFUSED
    for name, data in BYTES.items():
        index.files[name] = {**release(name), f"{name}-1.0.tar.gz": data}
        expected[name] = REFUSED
    index.files["honest"] = release("honest")
    expected["honest"] = ("match", None)
    return expected


def release(name, *, more="", members=()):
    backend = BACKEND.replace("demo", name)
    files = (
        member(f"{name}-1.0/pyproject.toml", PYPROJECT.encode()),
        member(f"{name}-1.0/backend.py", (backend + more).encode()),
    )
    wheel = wheel_bytes_of(backend)
    return {f"{name}-1.0-py3-none-any.whl": wheel, f"{name}-1.0.tar.gz": tar_gz(*files, *members)}  # fmt: skip


def wheel_bytes_of(backend):
    import io

    names = {}
    exec(backend, names)
    plain = io.BytesIO()
    names["make"](plain)
    return plain.getvalue()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def environment(tmp_path, cache):
    """Of the programs: a home, and a directory for temporary files, of their own."""
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    return {
        "PATH": "/usr/bin:/bin",  # few interpreters, so that what fails is not tried with many
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONUTF8": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "WHEELWITNESS_CACHE": str(cache),
    }


@pytest.fixture
def index():
    with serving() as served:
        yield served


def test_a_batch_goes_on_after_each(environment, index, tmp_path):
    expected = published(index)
    assert len(expected) > 40
    listed, out = tmp_path / "list", tmp_path / "out.jsonl"
    listed.write_text("".join(f"{name}==1.0\n" for name in expected))
    argv = [
        *REBUILDER,
        "batch",
        listed,
        "--out",
        out,
        "--jobs",
        "2",
        "--quiet",
        "--index",
        f"{index.url}simple/",
    ]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lines = {line["target"]["project"]: line for line in map(json.loads, out.read_text().splitlines())}
    found = {
        name: (line["result"], (line["failure"] or {}).get("cause") or line["cause"])
        for name, line in lines.items()
    }
    assert found == expected
    asked = {path.split("/")[1] for path in index.asked}
    assert asked == {"simple", "files"}
    assert not any("evil" in path.name for path in tmp_path.rglob("*"))
    nothing_is_left(environment, [f"{name}-1.0" for name in expected])


def test_a_node_goes_on_after_each(environment, index, tmp_path):
    node = tmp_path / "node"
    hostile = [
        "exits",
        "killsall",
        "forks",
        "returnslink",
        "adds",
        "linkthrough",
        "sparse",
        "trailing",
        "honest",
    ]
    expected = published(index)

    def rebuilder(*arguments):
        argv = [*REBUILDER, *map(str, arguments)]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done.stdout

    rebuilder("init", node, "--name", "node.example", "--operator", "A", "--index", f"{index.url}simple/")
    rebuilder("add", node, *(f"{name}==1.0" for name in hostile))
    told = rebuilder("run", node, "--once")
    assert dict(re.findall(r"^(\w+)==1\.0: ([\w-]+)", told, re.MULTILINE)) == {
        name: expected[name][0] for name in hostile
    }
    assert f"published {len(hostile)} observations" in told
    nothing_is_left(environment, [f"{name}-1.0" for name in hostile])


@pytest.mark.parametrize(
    ("name", "code"),
    [("honest", 0), ("adds", 1), ("exits", 3), ("linkthrough", 3), ("killsfirst", 3), ("floods", 3)],
)
def test_exit_codes_and_json(environment, index, name, code):
    expected = published(index)
    argv = [*REBUILDER, "rebuild", f"{name}==1.0", "--json", "--index", f"{index.url}simple/"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (code, "")
    value = json.loads(done.stdout)
    assert (value["result"], (value["failure"] or {}).get("cause") or value["cause"]) == expected[name]


# Ending


@contextmanager
def started(environment, *arguments):
    argv = [*REBUILDER, *map(str, arguments)]
    with subprocess.Popen(
        argv,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def nothing_is_left(environment, marks):
    """No process that has one of `marks` in its command line, no temporary file, and no half-made environment."""
    wait_until(lambda: not building(marks))
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
    assert list(Path(environment["WHEELWITNESS_CACHE"]).rglob(".tmp-*")) == []


def building(marks):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if b"driver.py" in data and any(mark.encode() in data for mark in marks):
            found.append(path.parent.name)
    return found


ENDS = [
    (signal.SIGINT, 130, "rebuilder: interrupted\n"),
    (signal.SIGTERM, 128 + signal.SIGTERM, "rebuilder: ended by SIGTERM\n"),
    (signal.SIGHUP, 128 + signal.SIGHUP, "rebuilder: ended by SIGHUP\n"),
]


@pytest.mark.parametrize(("number", "status", "told"), ENDS)
def test_a_rebuild_that_is_told_to_end(environment, tmp_path, number, status, told):
    release = Publisher(tmp_path / "releases").release(LASTING)
    with started(environment, "rebuild", release.wheel, "--sdist", release.sdist, *NOWHERE) as process:
        wait_until(lambda: building([release.mark]))
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (status, "", told)
    nothing_is_left(environment, [release.mark])


@pytest.mark.parametrize("end", ENDS[:2])
@pytest.mark.parametrize("command", ["batch", "run"])
def test_a_pool_that_is_told_to_end(environment, index, tmp_path, command, end):
    names = ["slowa", "slowb", "slowc", "slowd", "slowe"]
    number, status, told = end
    for name in names:
        index.files[name] = release(name, more=LASTING)
    if command == "batch":
        (tmp_path / "list").write_text("".join(f"{name}==1.0\n" for name in names))
        how = (
            "batch",
            tmp_path / "list",
            "--out",
            tmp_path / "out.jsonl",
            "--jobs",
            2,
            "--index",
            f"{index.url}simple/",
        )
    else:
        init = (
            "init",
            tmp_path / "node",
            "--name",
            "node.example",
            "--operator",
            "A",
            "--jobs",
            "2",
            "--index",
            f"{index.url}simple/",
        )
        for arguments in (init, ("add", tmp_path / "node", *(f"{name}==1.0" for name in names))):
            subprocess.run(
                [*REBUILDER, *map(str, arguments)], env=environment, check=True, capture_output=True
            )
        how = ("run", tmp_path / "node")
    with started(environment, *how) as process:
        wait_until(lambda: len(building(["slowa"])) > 1 and len(building(["slowb"])) > 1)
        (os.killpg if number == signal.SIGINT else os.kill)(
            process.pid, number
        )  # as a terminal and as a supervisor
        out, err = process.communicate(timeout=120)
    if command == "run":  # which is how it ends, and it has a log
        assert (process.returncode, err, "Traceback" in out) == (0, "", False)
    else:
        assert (process.returncode, out, err) == (status, "", told)
    nothing_is_left(environment, names)


def test_a_killed_batch_takes_its_builds_along(environment, index, tmp_path):
    index.files["slowa"] = release("slowa", more=LASTING)
    (tmp_path / "list").write_text("slowa==1.0\n")
    how = (
        "batch",
        tmp_path / "list",
        "--out",
        tmp_path / "out.jsonl",
        "--jobs",
        1,
        "--index",
        f"{index.url}simple/",
    )
    with started(environment, *how) as process:
        wait_until(lambda: building(["slowa"]))
        process.kill()
        process.communicate(timeout=120)
    wait_until(lambda: not building(["slowa"]))
    # Its worker puts away what it had begun.
    wait_until(lambda: not list(Path(environment["TMPDIR"]).iterdir()))
    assert list(Path(environment["WHEELWITNESS_CACHE"]).rglob(".tmp-*")) == []


def test_a_sandbox_that_is_ended_from_outside_says_nothing_of_its_target(environment, tmp_path):
    release = Publisher(tmp_path / "releases").release(LASTING)
    with started(
        environment, "rebuild", release.wheel, "--sdist", release.sdist, "--json", *NOWHERE
    ) as process:
        wait_until(lambda: any(runs_python(pid) for pid in building([release.mark])))
        outer = [pid for pid in building([release.mark]) if parent(pid) == process.pid]
        os.kill(int(outer[0]), signal.SIGKILL)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 5
    assert json.loads(out)["failure"]["cause"] == "incomplete"
    assert "ended from outside" in err
    nothing_is_left(environment, [release.mark])


def runs_python(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/env/bin/python")
    except OSError:
        return False


def parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_the_wheel_of_the_tables_is_the_honest_one():
    assert wheel_bytes_of(BACKEND) == wheel_bytes()
    assert release("demo")[WHEEL] == wheel_bytes()
