"""Unpacks the sdist and calls one PEP 517 hook, in one process; the result goes to standard output.

Runs inside the sandbox, before and around code that is not ours, under Pythons from 3.6 on. What it writes is no
better than what the build might have written itself: whoever reads it, checks it.

Input: one argument, JSON: {"sdist": path, "top": name, "umask": int, "modes": "archive" | "umask" | "windows",
"lineEnds": "lf" | "crlf", "path": [directories for sys.path], "hook": name, "kwargs": {...}, "script": path of
pyproject-hooks' script}. The hook `setup.py` is the command that there was before hooks, and its kwargs are
{"options": [...]}.
Output: 8 bytes, the length of a JSON text; the text, {"hook": what the script wrote, "wheel": name or null}; then
the wheel.
"""

import builtins
import contextlib
import io
import json
import os
import runpy
import shutil
import stat
import struct
import sys
import tarfile
import time
import traceback
import zipfile

SOURCE = "/build/src"
CONTROL = "/build/control"
WHEELS = "/build/wheels"


def main():
    request = json.loads(sys.argv[1])
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the build prints is log
    os.umask(request["umask"])
    for directory in (SOURCE, CONTROL, WHEELS):
        os.mkdir(directory)
    (unzip if request["sdist"].endswith(".zip") else untar)(request["sdist"], request["modes"])
    os.chdir(os.path.join(SOURCE, request["top"]))
    if request.get("lineEnds") == "crlf":
        write_crlf()
    answer = (setup_py if request["hook"] == "setup.py" else call)(request)
    deliver(output, answer, request["hook"] in ("build_wheel", "setup.py"))


def setup_py(request):
    """The wheel's name as a hook gives it, after `python setup.py bdist_wheel` with setuptools loaded, as pip did."""
    import setuptools  # noqa: F401

    sys.argv = ["setup.py", "bdist_wheel", "--dist-dir", WHEELS] + request["kwargs"]["options"]
    sys.path[0] = os.getcwd()
    try:
        runpy.run_path("setup.py", run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise
    return {"return_val": next(iter(os.listdir(WHEELS)), None)}


def write_crlf():
    """Makes text that is written end its lines as on Windows, where that is not asked for otherwise."""
    original = io.open

    def as_windows(*given, **named):
        mode = named.get("mode", given[1] if len(given) > 1 else "r")
        newline = named.get("newline", given[5] if len(given) > 5 else None)
        if newline is None and "b" not in mode and set(mode) & set("wax+"):
            if len(given) > 5:
                given = given[:5] + ("\r\n",) + given[6:]
            else:
                named = dict(named, newline="\r\n")
        return original(*given, **named)

    builtins.open = io.open = as_windows


def call(request):
    """The answer of pyproject-hooks' script, started as it starts it: not from the source's directory."""
    with open(os.path.join(CONTROL, "input.json"), "w") as file:
        json.dump({"kwargs": request["kwargs"]}, file)
    sys.argv = [request["script"], request["hook"], CONTROL]
    sys.path.pop(0)  # where this file is
    sys.path[:0] = request.get("path", [])
    runpy.run_path(request["script"], run_name="__main__")
    with io.open(os.path.join(CONTROL, "output.json"), "rb") as file:
        return json.loads(file.read().decode("utf-8"))


def deliver(output, hook, expect_wheel):
    name = hook.get("return_val") if expect_wheel else None
    file = regular(name) if isinstance(name, str) else None
    header = json.dumps({"hook": hook, "wheel": name if file else None}).encode("utf-8")
    output.write(len(header).to_bytes(8, "big") + header)
    if file is not None:
        with file:
            shutil.copyfileobj(file, output, 1 << 20)
    output.flush()
    wait_until_read(output)
    leave(0)


def wait_until_read(output):
    """The sandbox looks at what the build still holds before it reads the answer: so that is held until then."""
    with contextlib.suppress(Exception):  # no pipe, or a build that closed it
        import fcntl
        import termios

        for _ in range(1000):
            if not struct.unpack("i", fcntl.ioctl(output, termios.FIONREAD, bytes(4)))[0]:
                break
            time.sleep(0.001)


def leave(status):
    """Ends the process. Neither threads nor exit handlers of the build are waited for."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the build may have put anything in their place
            stream.flush()
    os._exit(status)


def regular(name):
    """The file of that name in WHEELS, or None. A pipe is not waited for, nor is a link followed."""
    path = os.path.join(WHEELS, os.path.basename(name))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    return os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def untar(path, modes):
    directories = []
    with tarfile.open(path) as archive:
        for member in archive:
            target = os.path.join(SOURCE, member.name)
            if member.isdir():
                os.makedirs(target, exist_ok=True)
                directories.append((target, member))
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if member.isreg():
                with open(target, "wb") as file:
                    shutil.copyfileobj(archive.extractfile(member) or io.BytesIO(), file, 1 << 20)
                settle(target, member.mode, member.mtime, modes)
            elif member.issym():
                os.symlink(member.linkname, target)
            elif member.islnk():
                os.link(os.path.join(SOURCE, member.linkname), target)
    for target, member in reversed(directories):
        os.utime(target, (member.mtime, member.mtime))


def unzip(path, modes):
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            target = os.path.join(SOURCE, member.filename)
            if member.filename.endswith("/"):
                os.makedirs(target, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with archive.open(member) as source, open(target, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            mode = stat.S_IMODE(member.external_attr >> 16)
            settle(target, mode, time.mktime(member.date_time + (0, 0, -1)), modes if mode else "umask")


def settle(path, mode, mtime, modes):
    """Mode and time as the recipe wants them. Writable for its owner in any case, as tar would need it too."""
    if modes == "archive":
        os.chmod(path, (mode & 0o777) | 0o600)
    elif modes == "windows":
        os.chmod(path, 0o666)  # noqa: S103 - as there
    elif mode & 0o100:
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(path, 0o777 & ~mask)
    os.utime(path, (mtime, mtime))


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:  # noqa: BLE001 - SystemExit of the build as well
        try:
            traceback.print_exc()
        except BaseException:  # noqa: BLE001 - no memory for more, say
            os.write(2, ("\n%s: %s\n" % (type(error).__name__, error)).encode("utf-8", "replace"))
    finally:
        leave(1)  # main has left by itself, unless it failed
