"""The driver inside the sandbox, under every Python of this machine: sources as the recipe wants them, and the wheel out."""
# ruff: noqa: E501

import gzip
import io
import json
import tarfile
import zipfile

import pyproject_hooks
import pytest

from rebuilders.build import _DRIVER, _SCRIPT, _driver
from rebuilders.environment.interpreters import installed
from rebuilders.sandbox.bubblewrap import Bubblewrap
from rebuilders.sandbox.interface import Job, Limits
from tests.releases import BACKEND, member, sdist_bytes, tar_gz, wheel_bytes

pytestmark = pytest.mark.sandbox

# Instead of pyproject-hooks' script: its answer is what it finds.
LOOK = """
import json, os, sys
found = {}
for root, directories, files in os.walk("."):
    for name in directories + files:
        path = os.path.join(root, name)
        told = os.lstat(path)
        link = os.readlink(path) if os.path.islink(path) else None
        found[os.path.relpath(path)] = [told.st_mode & 0o7777, told.st_mtime, told.st_nlink if not os.path.isdir(path) else 1, link]
made = os.open("made", os.O_CREAT | os.O_WRONLY, 0o777)
found["umask"] = os.fstat(made).st_mode & 0o7777
found["argv"], found["cwd"] = sys.argv[1:], os.getcwd()
found["path"] = "/in" in sys.path
with open(os.path.join(sys.argv[2], "output.json"), "w") as file:
    json.dump({"return_val": found}, file)
"""
DAY = 86_400
TIME = 1_600_000_000


@pytest.fixture(scope="module")
def sandbox():
    return Bubblewrap.find()


@pytest.fixture(params=[interpreter.minor for interpreter in installed()])
def interpreter(request):
    return next(found for found in installed() if found.minor == request.param)


def run(
    sandbox,
    interpreter,
    sdist,
    *,
    script=LOOK,
    hook="look",
    name="sdist.tar.gz",
    zone="UTC",
    files=None,
    **how,
):
    request = {
        "sdist": f"/in/{name}", "top": "demo-1.0", "umask": 0o022, "modes": "archive", "hook": hook,
        "kwargs": {"wheel_directory": "/build/wheels", "config_settings": None, "metadata_directory": None},
        "script": _SCRIPT, **how,
    }  # fmt: skip
    job = Job(
        (interpreter.inside, _DRIVER, json.dumps(request)),
        interpreter.mounts,
        {_DRIVER: _driver(), _SCRIPT: script.encode(), f"/in/{name}": sdist, **(files or {})},
        {**interpreter.variables, "TZ": zone, "LC_ALL": "C.UTF-8", "_PYPROJECT_HOOKS_BUILD_BACKEND": "backend",
         "_PYPROJECT_HOOKS_BACKEND_PATH_JSON": "[\"/build/src/demo-1.0\"]"},
        Limits(seconds=30),
    )  # fmt: skip
    finished = sandbox.run(job)
    assert finished.ok, finished.log
    size = int.from_bytes(finished.output[:8], "big")
    return json.loads(finished.output[8 : 8 + size]), finished.output[8 + size :]


def members():
    return tar_gz(
        member("demo-1.0", type=tarfile.DIRTYPE, mode=0o700, mtime=TIME - 2 * DAY),
        member("demo-1.0/plain", b"x", mode=0o640, mtime=TIME),
        member("demo-1.0/run", b"x", mode=0o750, mtime=TIME + 1),
        member("demo-1.0/odd", b"x", mode=0o4007, mtime=TIME + 2.5),
        member("demo-1.0/shut", b"", mode=0, mtime=0),
        member("demo-1.0/d", type=tarfile.DIRTYPE, mode=0o755, mtime=TIME - DAY),
        member("demo-1.0/d/inner", b"x", mode=0o644, mtime=TIME + 3),
        member("demo-1.0/e/implied", b"x", mode=0o644, mtime=TIME + 4),
        member("demo-1.0/link", type=tarfile.SYMTYPE, linkname="plain"),
        member("demo-1.0/hard", type=tarfile.LNKTYPE, linkname="demo-1.0/run"),
        member("demo-1.0/nämé\udcff", b"x", mtime=TIME),
    )


def test_modes_and_times_as_in_the_archive(sandbox, interpreter):
    header, rest = run(sandbox, interpreter, members(), umask=0o027)
    found = header["hook"]["return_val"]
    assert (header["wheel"], rest) == (None, b"")
    assert found.pop("argv") == ["look", "/build/control"]
    assert found.pop("cwd") == "/build/src/demo-1.0"
    assert found.pop("path") is False
    assert found.pop("umask") == 0o750
    assert found.pop("e")[0] == 0o750
    assert found.pop("link")[3] == "plain"
    assert found == {
        "plain": [0o640, TIME, 1, None],
        "run": [0o750, TIME + 1, 2, None],
        "hard": [0o750, TIME + 1, 2, None],
        "odd": [0o607, TIME + 2.5, 1, None],
        "shut": [0o600, 0, 1, None],
        "d": [0o750, TIME - DAY, 1, None],
        "d/inner": [0o644, TIME + 3, 1, None],
        "e/implied": [0o644, TIME + 4, 1, None],
        "nämé\udcff": [0o644, TIME, 1, None],
    }


@pytest.mark.parametrize(
    ("umask", "plain", "run_"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)]
)
def test_modes_by_the_umask(sandbox, umask, plain, run_):
    header, _ = run(sandbox, installed()[0], members(), umask=umask, modes="umask")
    found = header["hook"]["return_val"]
    assert [found[name][0] for name in ("plain", "run", "odd", "shut")] == [plain, run_, plain, plain]
    assert found["odd"][1] == TIME + 2.5


def test_zip_sdists(sandbox, interpreter):
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("demo-1.0/d/", b"")
        for name, mode in (("plain", 0o100640), ("run", 0o100755), ("dos", 0)):
            entry = zipfile.ZipInfo(f"demo-1.0/{name}", (2020, 7, 2, 3, 4, 6))
            entry.external_attr = mode << 16 or 0x20
            entry.create_system = 3 if mode else 0
            archive.writestr(entry, b"x")
    header, _ = run(sandbox, interpreter, plain.getvalue(), name="sdist.zip", zone="<+02>-2")
    found = header["hook"]["return_val"]
    assert {name: found[name][0] for name in ("plain", "run", "dos")} == {
        "plain": 0o640,
        "run": 0o755,
        "dos": 0o644,
    }
    # A DOS time has no zone: it is taken for local time, as unzip does.
    assert {found[name][1] for name in ("plain", "run", "dos")} == {1_593_651_846}


def test_a_hook_and_its_wheel(sandbox, interpreter):
    impl = pyproject_hooks._in_process
    with impl._in_proc_script_path() as path:
        script = path.read_text("utf-8")
    backend = BACKEND + "\nimport sys\nprint('to the log')\nsys.stdout.write('unflushed')\n"
    header, wheel = run(sandbox, interpreter, sdist_bytes(backend), script=script, hook="build_wheel")
    assert "return_val" in header["hook"], header
    assert header["wheel"] == header["hook"]["return_val"] == "demo-1.0-py3-none-any.whl"
    assert wheel == wheel_bytes()


def test_an_in_tree_backend_that_looks_for_itself_on_the_path(sandbox, interpreter):
    """As backends may that were written when pyproject-hooks put them there."""
    impl = pyproject_hooks._in_process
    with impl._in_proc_script_path() as path:
        script = path.read_text("utf-8")
    backend = BACKEND + "\nimport sys\nassert sys.path[0] == '/build/src/demo-1.0'\n"
    held = {"script": script, "hook": "build_wheel", "path": ["/build/src/demo-1.0"]}
    _, wheel = run(sandbox, interpreter, sdist_bytes(backend), **held)
    assert wheel == wheel_bytes()
    with pytest.raises(AssertionError):
        run(sandbox, interpreter, sdist_bytes(backend), **{**held, "path": []})


def test_an_old_tar(sandbox, interpreter):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, content in (
            member("demo-1.0/" + "x" * 120, b"x"),
            member("./demo-1.0/y", b"y", mtime=TIME),
        ):
            archive.addfile(info, io.BytesIO(content))
    header, _ = run(sandbox, interpreter, gzip.compress(plain.getvalue()))
    assert {"x" * 120, "y"} <= header["hook"]["return_val"].keys()


# In place of a project's: its wheel is what it finds.
SETUP = """
import io, json, os, pathlib, sys
directory = sys.argv[sys.argv.index("--dist-dir") + 1]
assert "setuptools" in sys.modules
written = {}
def look(name):
    with open(name, "rb") as file:
        written[name] = file.read().decode()
with open("text", "w") as file:
    file.write("a\\n")
look("text")
with open("kept", "w", newline="\\n") as file:
    file.write("a\\n")
look("kept")
with open("positional", "w", -1, "utf-8", None, None, True) as file:
    file.write("a\\n")
look("positional")
with open("named", mode="x", encoding="utf-8", newline=None) as file:
    file.write("a\\n")
look("named")
with io.open("added", "a") as file:
    file.write("a\\n")
look("added")
with open("both", "w+") as file:
    file.write("a\\n")
look("both")
pathlib.Path("path").write_text("a\\n")
look("path")
with open("binary", "wb") as file:
    file.write(b"a\\n")
look("binary")
with open("text") as file:
    written["read"] = file.read()
found = {
    "argv": sys.argv, "name": __name__, "cwd": os.getcwd(), "path": sys.path[0], "written": written,
    "modes": {name: os.stat(name).st_mode & 0o777 for name in ("plain", "run", "shut")},
}
with open(os.path.join(directory, "demo-1.0-py3-none-any.whl"), "wb") as file:
    file.write(json.dumps(found).encode())
"""
NEWEST_AND_OLDEST = dict.fromkeys((installed()[0].minor, installed()[-1].minor)) if installed() else {}


def setup_py(sandbox, minor, *, end="", options=(), **how):
    """What SETUP finds, and the driver's header."""
    sdist = tar_gz(
        member("demo-1.0/setup.py", (SETUP + end).encode(), mtime=TIME),
        member("demo-1.0/plain", b"x", mode=0o640, mtime=TIME),
        member("demo-1.0/run", b"x", mode=0o750, mtime=TIME),
        member("demo-1.0/shut", b"", mode=0, mtime=TIME),
    )
    interpreter = next(found for found in installed() if found.minor == minor)
    kwargs = {"options": list(options)}
    files = {"/in/setuptools.py": b""}  # beside the driver, where it is found without an environment
    header, wheel = run(sandbox, interpreter, sdist, hook="setup.py", kwargs=kwargs, files=files, **how)
    return header, json.loads(wheel)


@pytest.mark.parametrize("minor", NEWEST_AND_OLDEST)
def test_setup_py(sandbox, minor):
    header, found = setup_py(sandbox, minor, options=["--universal"])
    assert header == {
        "hook": {"return_val": "demo-1.0-py3-none-any.whl"},
        "wheel": "demo-1.0-py3-none-any.whl",
    }
    assert found["argv"] == ["setup.py", "bdist_wheel", "--dist-dir", "/build/wheels", "--universal"]
    assert found["cwd"] == found["path"] == "/build/src/demo-1.0"
    assert found["name"] == "__main__"
    assert found["modes"] == {"plain": 0o640, "run": 0o750, "shut": 0o600}
    assert set(found["written"].values()) == {"a\n"}


@pytest.mark.parametrize("minor", NEWEST_AND_OLDEST)
def test_line_ends_and_modes_of_windows(sandbox, minor):
    _, found = setup_py(sandbox, minor, lineEnds="crlf", modes="windows")
    written = found["written"]
    assert written.pop("read") == "a\n"
    assert {written.pop("kept"), written.pop("binary")} == {"a\n"}  # as they were asked for
    assert set(written) == {"text", "positional", "named", "added", "both", "path"}
    assert set(written.values()) == {"a\r\n"}
    assert found["modes"] == {"plain": 0o666, "run": 0o666, "shut": 0o666}


@pytest.mark.parametrize("ends", ["lf", None])
def test_line_ends_are_those_of_here_unless_told(sandbox, ends):
    _, found = setup_py(sandbox, installed()[0].minor, **({"lineEnds": ends} if ends else {}))
    assert set(found["written"].values()) == {"a\n"}


@pytest.mark.parametrize("minor", NEWEST_AND_OLDEST)
@pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(0)", "raise SystemExit(None)"])
def test_a_setup_py_that_ends_itself_with_success(sandbox, minor, end):
    header, _ = setup_py(sandbox, minor, end=end)
    assert header["wheel"] == "demo-1.0-py3-none-any.whl"


@pytest.mark.parametrize("end", ["sys.exit(1)", "sys.exit('no')", "raise ValueError"])
def test_a_setup_py_that_fails(sandbox, end):
    with pytest.raises(AssertionError):
        setup_py(sandbox, installed()[0].minor, end=end)


def test_a_hook_with_line_ends_of_windows(sandbox):
    impl = pyproject_hooks._in_process
    with impl._in_proc_script_path() as path:
        script = path.read_text("utf-8")
    for minor in NEWEST_AND_OLDEST:
        interpreter = next(found for found in installed() if found.minor == minor)
        header, wheel = run(
            sandbox, interpreter, sdist_bytes(BACKEND), script=script, hook="build_wheel", lineEnds="crlf"
        )
        assert header["wheel"] == "demo-1.0-py3-none-any.whl"
        assert wheel == wheel_bytes()
