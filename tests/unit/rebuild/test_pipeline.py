"""From the published files to what came of it, with a scripted sandbox: which recipes are tried, and when it ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rebuilders import definitions
from rebuilders.errors import NotBuilt
from rebuilders.inputs import Target
from rebuilders.pipeline import prepare
from rebuilders.result import result_of
from tests.sdists import PYPROJECT, sdist_of
from tests.wheels import FILENAME, File, wheel_of, with_file, zip_of
from tests.workbench import (
    SETUPTOOLS,
    UPLOADED,
    Bench,
    FakeResolver,
    answered,
    built,
    failed,
    hook_of,
    interpreter,
    out_of_time,
    target,
    unresolved,
)
from witness.errors import FetchFailed, SandboxUnavailable

HONEST = wheel_of()
OTHER = wheel_of(File("demo/extra.py", b"x"))
WORSE = wheel_of(File("demo/extra.py", b"x"), File("demo/more.py", b"x"))
MOVED = zip_of(with_file(0, time=99))


def test_the_published_wheel_takes_no_part_in_its_own_rebuild():
    published = target()
    itself = replace(SETUPTOOLS, name="demo", sha256=published.sha256)
    report = Bench([built(published.data)], FakeResolver([(itself,)])).rebuild(lambda: published)
    assert (result_of(report), report.failure.cause) == ("build-failed", "requires-itself")
    made_here = replace(itself, source="5" * 64, recipe="6" * 64)
    assert (
        result_of(Bench([built(published.data)], FakeResolver([(made_here,)])).rebuild(lambda: published))
        == "match"
    )


def test_a_match_at_once():
    bench = Bench([built(HONEST)])
    report = bench.rebuild()
    assert (result_of(report), report.best.outcome.level, report.tries) == ("match", "bitwise", 1)
    assert report.failure is None
    assert report.outputs == (report.target.sha256,)
    recipe = report.best.recipe
    assert (recipe.interpreter, recipe.requirements) == ("CPython 3.13.1", (SETUPTOOLS,))
    assert recipe.backend == "setuptools.build_meta"
    assert set(report.seconds) == {"total", "fetch", "resolve", "build", "compare"}
    (job,) = bench.sandbox.jobs
    assert hook_of(job) == "build_wheel"
    assert job.limits.seconds <= 300


def test_a_mismatch_that_nothing_is_left_to_try_for():
    report = Bench([built(OTHER)], versions=("3.13.1",)).rebuild()
    assert (result_of(report), report.tries, len(report.outputs)) == ("mismatch", 1, 1)
    assert (report.failure, report.cause, report.explanation) == (None, "added", ())


def test_slack_for_what_cannot_be_resolved():
    bench = Bench([built(MOVED)], FakeResolver([unresolved(), unresolved(), unresolved(), (SETUPTOOLS,)]))
    report = bench.rebuild()
    assert (report.best.outcome.level, report.tries) == ("archive", 1)
    asked = [(candidate.as_of, candidate.requirements) for candidate, _ in bench.resolver.asked]
    assert asked == [
        (UPLOADED, ("setuptools>=61",)),
        (UPLOADED, ("setuptools==75.0.0",)),
        (UPLOADED + timedelta(days=1), ("setuptools>=61",)),
        (UPLOADED + timedelta(days=7), ("setuptools>=61",)),
    ]
    (reason,) = report.explanation
    assert reason.decision == "build requirements as of 7 d after the upload"


def test_nothing_can_be_resolved():
    bench = Bench([], FakeResolver([unresolved()]))
    report = bench.rebuild()
    assert (result_of(report), report.failure.phase, report.failure.cause) == (
        "build-failed", "resolve", "unsatisfiable")  # fmt: skip
    assert (report.tries, len(bench.resolver.asked)) == (0, 6)
    assert bench.resolver.asked[-1][0].constraints == ()


def test_the_next_interpreter_after_a_failure():
    bench = Bench([failed(), answered([]), built(HONEST)])  # nothing more is asked for: nothing to build anew
    report = bench.rebuild()
    assert result_of(report) == "match"
    assert [i.minor for _, i in bench.resolver.asked] == ["3.13", "3.13", "3.12"]
    assert [hook_of(job) for job in bench.sandbox.jobs] == [
        "build_wheel", "get_requires_for_build_wheel", "build_wheel"]  # fmt: skip
    assert report.tries == 2
    assert report.best.recipe.interpreter == "CPython 3.12.2"


def test_the_next_interpreter_after_a_failure_whose_remedy_cannot_be_resolved():
    resolver = FakeResolver([(SETUPTOOLS,), (SETUPTOOLS,), unresolved(), (SETUPTOOLS,)])
    bench = Bench([failed(), answered(["missing"]), built(HONEST)], resolver)
    report = bench.rebuild()
    assert result_of(report) == "match"
    assert [i.minor for _, i in resolver.asked] == ["3.13", "3.13", "3.13", "3.12"]


@pytest.mark.parametrize(
    ("asked", "again"),
    [([], False), (["setuptools>=61"], False), (["Setuptools"], False), (["setuptools<70"], True),
     (["wheel"], True), (["setuptools; python_version > '3'"], True)],
)  # fmt: skip
def test_what_the_backend_asks_for(asked, again):
    sdist = sdist_of({"setup.py": b"setup_requires"})
    bench = Bench([answered(asked), built(HONEST)])
    assert result_of(bench.rebuild(lambda: target(sdist=sdist))) == "match"
    assert len(bench.resolver.asked) == 1 + again
    if again:
        assert bench.resolver.asked[1][0].requirements[-1:] == tuple(asked)


@pytest.mark.parametrize(
    "asked",
    ["demo @ https://files.example/demo.whl", "x; extra == '\n--index-url https://x.example'", "\x1b]0;x\x07",
     "-r /etc/x"],
)  # fmt: skip
def test_a_backend_cannot_ask_for_anything_else(asked):
    sdist = sdist_of({"setup.py": b"setup_requires"})
    bench = Bench([answered([asked])] * 9, versions=("3.13.1",))
    report = bench.rebuild(lambda: target(sdist=sdist))
    assert (report.failure.phase, report.failure.cause) == ("hook", "invalid-requirement")
    assert str(report.failure).isprintable()
    assert len(bench.resolver.asked) == 1


def test_a_plan_whose_builds_all_fail_ends():
    resolver = FakeResolver([unresolved(), unresolved(), unresolved(), (SETUPTOOLS,)])
    bench = Bench([failed(b"first\n"), answered([]), *[failed()] * 20], resolver)
    report = bench.rebuild()
    assert (result_of(report), report.tries, report.cause) == ("build-failed", 3, "")
    assert report.failure.log == b"first\n"  # what came after were other guesses


def test_a_hook_that_fails_is_a_build_that_began():
    sdist = sdist_of({"setup.py": b"setup_requires"})
    report = Bench([failed()] * 9, versions=("3.13.1",)).rebuild(lambda: target(sdist=sdist))
    assert (report.failure.result, report.tries) == ("build-failed", 1)


def test_the_time_is_over_before_anything_runs():
    bench = Bench([built(HONEST)], seconds=-1)
    report = bench.rebuild()
    assert (result_of(report), report.failure.cause) == ("build-failed", "time-limit")
    assert bench.sandbox.jobs == []


def test_a_build_that_runs_out_of_time_is_the_last():
    bench = Bench([out_of_time(), built(HONEST)])
    report = bench.rebuild()
    assert (result_of(report), report.failure.cause, report.tries) == ("build-failed", "time-limit", 1)


@pytest.mark.parametrize("data", [b"", b"not a wheel", HONEST[:-1], zip_of(())], ids=range(4))
def test_an_output_that_is_no_wheel(data):
    report = Bench([built(data), answered([]), built(data)], versions=("3.13.1",)).rebuild()
    assert (result_of(report), report.failure.phase, report.failure.cause) == (
        "build-failed", "output", "malformed-output")  # fmt: skip
    assert report.failure.log == b"a log\n"


@pytest.mark.parametrize(
    ("make", "phase", "cause"),
    [
        (lambda: target(sdist=False), "locate", "no-sdist"),
        (lambda: target(name="demo-1.0-cp311-cp311-win32.whl"), "plan", "native-wheel"),
        (lambda: target(b"not a wheel"), "read", "malformed-wheel"),
        (lambda: target(zip_of([File("demo-1.0.dist-info/WHEEL")])), "read", "malformed-wheel"),
        (lambda: target(sdist=b"not an sdist"), "read", "malformed-sdist"),
        (lambda: target(sdist=sdist_of({"pyproject.toml": b"["})), "read", "malformed-sdist"),
        (lambda: target(sdist=sdist_of({"pyproject.toml": PYPROJECT.replace(b">=", b" @ https://x.example/")})),
         "read", "malformed-sdist"),
    ],
)  # fmt: skip
def test_what_is_not_attempted(make, phase, cause):
    bench = Bench([])
    report = bench.rebuild(make)
    assert (result_of(report), report.failure.phase, report.failure.cause) == ("not-attempted", phase, cause)
    assert (report.tries, report.outputs, bench.resolver.asked) == (0, (), [])
    assert isinstance(report.target, Target)


def test_a_machine_without_python():
    report = Bench([], versions=()).rebuild()
    assert (report.failure.phase, report.failure.cause) == ("plan", "no-interpreter")


def test_a_target_that_could_not_be_had():
    def fetch():
        raise NotBuilt("none", result="not-attempted", phase="locate", cause="no-such-project")

    report = Bench([]).rebuild(fetch)
    assert (report.target, report.plan, result_of(report)) == (None, None, "not-attempted")


def test_what_says_nothing_of_the_target_is_raised():
    with pytest.raises(FetchFailed):
        Bench([], FakeResolver([FetchFailed("down")])).rebuild()
    with pytest.raises(SandboxUnavailable):
        Bench([]).rebuild()


def test_the_best_of_several_is_told():
    """Without a plan that goes on after a mismatch, the search keeps what is nearest."""
    from rebuilders.pipeline import _rank
    from witness.compare.ladder import compare
    from witness.wheel.reader import read_wheel

    ranks = [_rank(compare(read_wheel(HONEST), read_wheel(data))) for data in (HONEST, MOVED, OTHER, WORSE)]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 4


def test_a_plan_without_running():
    prepared = prepare(target(), (interpreter("3.12.2"),), definitions.none)
    assert prepared.wheel.archive.data == target().data
    assert (prepared.evidence.sdist.top, prepared.plan.backend) == ("demo-1.0", "setuptools")
    assert {candidate.python for candidate in prepared.plan.candidates} == {"3.12"}
    assert target().name.filename == FILENAME
