"""diffoscope without diffoscope: what the job may see, and every way in which it can end."""

from pathlib import Path

import pytest

from rebuilders.report import diffoscope as module
from rebuilders.report.diffoscope import Diffoscope, framed
from rebuilders.report.document import of_rebuild, of_wheels
from rebuilders.sandbox.interface import Finished
from rebuilders.sandbox.scripted import ScriptedSandbox, finished
from tests.markup import HOSTILE, Elements
from tests.unit.rebuild.test_reports import NAME, REPORTS
from tests.wheels import FILENAME, File, wheel_of
from tests.workbench import interpreter
from witness.compare.ladder import compare
from witness.errors import InputError, SandboxUnavailable
from witness.wheel.reader import read_wheel

PAGE, JSON = b"<html>page</html>", b"{}"


def run(answer):
    sandbox = ScriptedSandbox([answer])
    return Diffoscope(sandbox, interpreter("3.11.7"), ()).run(b"one", b"two"), sandbox


def wrote(page=PAGE, json=JSON, *, status=1, more=b"", head=None):
    told = b"%d %d %d" % (status, len(page), len(json)) if head is None else head
    return finished(told + b"\n" + page + json + more, log=b"some\nlast \x1b line\n")


def ended(how):
    return Finished(status=137, ended=how, output=b"1 1 1\nab", log=b"", seconds=1.0)


def test_its_files():
    told, _ = run(wrote())
    assert told.failure == ""
    assert set(told.files) == {"diffoscope.html", "diffoscope.json"}
    assert told.files["diffoscope.json"] == JSON


def test_the_job_sees_two_files_and_is_bounded():
    _, sandbox = run(wrote())
    (job,) = sandbox.jobs
    assert job.files == {"/in/published.whl": b"one", "/in/rebuilt.whl": b"two"}
    assert not any(mount.writable for mount in job.mounts)
    assert job.limits.seconds <= 150
    assert job.limits.output < 100 * 2**20
    assert set(job.variables) == {"PYTHONPATH", "LC_ALL", "TZ", "MAGIC", "LIBARCHIVE"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ended("time"), "it was ended after 150 s"),
        (ended("memory"), "too much memory"),
        (ended("output"), "wrote too much"),
        (ended("log"), "wrote too much"),
        (wrote(status=2), "it failed: last \\x1b line"),
        (wrote(status=137), "it failed: last \\x1b line"),
        (wrote(more=b"x"), "it failed"),
        (wrote(head=b""), "it was not heard to the end: last \\x1b line"),
        (wrote(head=b"1 2"), "not heard"),
        (wrote(head=b"1 -2 3"), "not heard"),
        (wrote(head=b"1 " + b"9" * 5000 + b" 3"), "not heard"),
        (wrote(head="1 ² 3".encode()), "not heard"),
        (wrote(head=b"1 99 99"), "it failed"),
        (finished(b"", status=1), "not heard to the end: status 1"),
        (wrote(b"", b"", status=0), "it sees no difference"),
    ],
)
def test_a_failure_is_a_result(answer, words):
    told, _ = run(answer)
    assert words in told.failure
    assert told.failure.isprintable()
    assert told.files == {}


def test_a_sandbox_that_does_not_work_is_no_result():
    with pytest.raises(SandboxUnavailable):
        run(SandboxUnavailable("none"))


def test_what_there_is_nothing_to_look_at():
    looks = Diffoscope(ScriptedSandbox([]), interpreter("3.11.7"), ())
    assert "same file" in looks.look_at(of_rebuild(REPORTS["bitwise"](), NAME)).failure
    assert "no second wheel" in looks.look_at(of_rebuild(REPORTS["build-failed"](), NAME)).failure


def test_it_looks_at_the_published_wheel_first():
    sandbox = ScriptedSandbox([wrote()])
    ours, theirs = wheel_of(), wheel_of(File("a", b""))
    wheels = read_wheel(ours), read_wheel(theirs)
    document = of_wheels((FILENAME, FILENAME), *wheels, compare(*wheels))
    assert Diffoscope(sandbox, interpreter("3.11.7"), ()).look_at(document).files
    assert sandbox.jobs[0].files == {"/in/published.whl": ours, "/in/rebuilt.whl": theirs}


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("diffoscope", "diffoscope is not installed$"),
        ("libarchive", "not installed completely: libarchive is missing"),
    ],
)
def test_what_is_not_installed_is_said_with_the_next_step(monkeypatch, missing, words):
    class Spec:
        origin = str(Path(__file__))

    monkeypatch.setattr(module, "find_spec", lambda name: None if name == missing else Spec)
    with pytest.raises(InputError, match=words) as caught:
        Diffoscope.find(ScriptedSandbox([]))
    assert "pip install 'wheelwitness[diffoscope]'" in caught.value.hint


def test_a_library_of_the_system_that_is_missing_is_said_with_the_next_step(monkeypatch):
    class Spec:
        origin = str(Path(__file__))

    monkeypatch.setattr(module, "find_spec", lambda name: Spec)
    log = b"Traceback\nOSError: libmagic.so.1: cannot open shared object file: No such file or directory\n"
    with pytest.raises(
        InputError, match=r"does not start in the sandbox: OSError: libmagic\.so\.1"
    ) as caught:
        Diffoscope.find(ScriptedSandbox([finished(status=1, log=log)]))
    assert "apt install libmagic1 libarchive13" in caught.value.hint


def test_its_page_is_in_a_frame_that_may_do_nothing():
    hostile = f"<!doctype html><html>{HOSTILE}</iframe><script>x</script>".encode() + b"\xff\"' srcdoc='"
    text = framed(hostile).decode()
    elements = Elements(text)
    assert elements.tags == {"html", "head", "meta", "title", "style", "body", "iframe"}
    ((_, frame),) = [found for found in elements.found if found[0] == "iframe"]
    assert set(frame) == {"title", "sandbox", "srcdoc"}
    assert frame["sandbox"] == ""
    assert "<script>x</script>" in frame["srcdoc"]
    assert "\u202e" not in text
    (policy,) = [a["content"] for tag, a in elements.found if tag == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none'; ")
    assert text.index("Content-Security-Policy") < text.index("<iframe")
