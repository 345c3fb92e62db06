"""After the plan, its variations: what is tried, what is kept, and when it ends."""

from dataclasses import dataclass, field, replace

import pytest

from rebuilders.pipeline import MAX_ATTEMPTS, MAX_ATTEMPTS_MATCHED, _rank
from rebuilders.result import result_of, to_json
from rebuilders.sandbox.interface import Finished
from tests.sdists import sdist_of
from tests.wheels import WHEEL, File, recorded, wheel_of, with_file, zip_of
from tests.workbench import SETUPTOOLS, Bench, FakeResolver, built, failed, out_of_time, target, unresolved
from witness.names import TargetName

SETUP = sdist_of({"setup.py": b"from setuptools import setup\nsetup()\n"})
HONEST = wheel_of()
MOVED = zip_of(with_file(0, time=99))
CONTENT = zip_of(recorded(with_file(0, name="demo/__init__.py", content=b"x = 1\r\n" * 40)))
OTHER = wheel_of(File("demo/extra.py", b"x"))
WORSE = wheel_of(File("demo/extra.py", b"x"), File("demo/more.py", b"x"))
METADATA = zip_of(recorded(with_file(3, content=WHEEL.replace(b"75.0.0", b"75.0.1"))))
OLD = zip_of(recorded(with_file(3, content=WHEEL.replace(b"setuptools (75.0.0)", b"bdist_wheel (0.37.1)"))))


def with_setup(data=None):
    return lambda: target(data, sdist=SETUP)


def wheels(count):
    """So many wheels that each differ more than the one before."""
    return [wheel_of(*(File(f"demo/x{n}.py", b"x") for n in range(more))) for more in range(1, count + 1)]


@dataclass
class Releases:
    """Locks setuptools just below the last bound that it is given, as one that resolves does."""

    asked: list = field(default_factory=list)

    def resolve(self, candidate, interpreter, *, timeout, built=()):
        self.asked.append((candidate, interpreter))
        bounds = [text.partition("<")[2] for text in candidate.constraints if text.startswith("setuptools<")]
        return (
            replace(SETUPTOOLS, version=f"{float('.'.join((bounds[-1] + '.0').split('.')[:2])) - 0.1:.1f}"),
        )


def frontends(bench):
    return [candidate.frontend for candidate, _ in bench.resolver.asked]


def test_it_keeps_the_better_and_goes_on_from_it():
    bench = Bench([built(WORSE), built(OTHER), built(HONEST)])
    report = bench.rebuild(with_setup())
    assert (result_of(report), report.tries, len(report.outputs)) == ("match", 3, 3)
    assert frontends(bench) == ["pep517", "setup.py", "setup.py"]
    assert [i.minor for _, i in bench.resolver.asked] == ["3.13", "3.13", "3.12"]
    assert [reason.decision for reason in report.explanation] == ["setup.py bdist_wheel", "Python 3.12"]
    assert (report.best.recipe.frontend, report.best.recipe.interpreter) == ("setup.py", "CPython 3.12.2")
    assert report.cause == ""
    value = to_json(report, TargetName.parse("demo==1.0"))
    assert value["explanation"] == [
        "setup.py bdist_wheel: what publishers ran instead of the PEP 517 hook",
        "Python 3.12: another interpreter of the time",
    ]
    assert (value["backend"], value["uploaded"], value["cause"]) == (
        "setuptools",
        "2025-06-01T00:00:00Z",
        None,
    )


def test_it_keeps_the_first_where_none_is_better():
    bench = Bench([built(OTHER), built(WORSE), built(WORSE), built(OTHER)])
    report = bench.rebuild(with_setup())
    assert (result_of(report), report.tries, report.explanation) == ("mismatch", 4, ())
    assert report.best.built.data == OTHER
    assert report.best.candidate == report.plan.candidates[0]
    assert report.cause == "added"


@pytest.mark.parametrize("equal", [HONEST, MOVED])
def test_it_stops_at_bitwise_and_at_archive(equal):
    for before in ([], [built(OTHER)]):
        report = Bench([*before, built(equal)]).rebuild(with_setup())
        assert (report.tries, report.best.outcome.level in ("bitwise", "archive")) == (len(before) + 1, True)


def test_a_match_at_metadata_is_improved_a_little():
    bench = Bench([built(METADATA), built(MOVED)])
    report = bench.rebuild(with_setup())
    assert (report.best.outcome.level, report.tries) == ("archive", 2)
    resolver = Releases()
    old = zip_of(
        recorded(with_file(3, content=WHEEL.replace(b"setuptools (75.0.0)", b"bdist_wheel (0.37.2)")))
    )
    report = Bench([built(old)] * 20, resolver).rebuild(with_setup(OLD))
    assert (report.best.outcome.level, report.tries) == ("metadata", MAX_ATTEMPTS_MATCHED)


def test_content_is_worse_than_metadata_and_better_than_none():
    for first, second in ((CONTENT, METADATA), (OTHER, CONTENT)):
        report = Bench([built(first), built(second)] + [built(first)] * 20).rebuild(with_setup())
        assert report.best.built.data == second
    report = Bench([built(METADATA)] + [built(CONTENT)] * 20).rebuild(with_setup())
    assert (report.best.outcome.level, report.best.built.data) == ("metadata", METADATA)
    report = Bench([built(CONTENT), built(MOVED)]).rebuild(with_setup())
    assert (report.best.outcome.level, report.tries) == ("archive", 2)


SPELT = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: dep"


def with_metadata(text):
    return zip_of(recorded(with_file(2, content=text)))


def test_what_a_rule_equates_is_looked_at_like_what_differs():
    """Another release of wheel spells requirements as the published one does: it is tried, although they are equal."""
    published = with_metadata(SPELT + b" (>=1)\n")
    bench = Bench([built(with_metadata(SPELT + b">=1\n")), built(published)])
    report = bench.rebuild(with_setup(published))
    assert (report.best.outcome.level, report.tries) == ("bitwise", 2)
    assert report.explanation[0].decision == "wheel==0.40.0 beside setuptools"


def test_matches_by_rules_that_recipes_change_are_searched_like_mismatches():
    published, rebuilt = (with_metadata(SPELT + end) for end in (b">=1\n", b">=1\n\n"))
    versions = tuple(f"3.{n}.1" for n in range(6, 14))
    counts = {}
    for name, data in (("rule", rebuilt), ("mismatch", with_metadata(SPELT + b">=2\n"))):
        counts[name] = Bench([built(data)] * 40, versions=versions).rebuild(with_setup(published)).tries
    assert counts["rule"] == counts["mismatch"] > 1


def test_fewer_rules_are_nearer():
    published = with_metadata(SPELT + b">=1\n")
    two, one = (with_metadata(text) for text in (SPELT + b" >=1\n\n", SPELT + b">=1\n\n"))
    report = Bench([built(two), built(one), *[built(two)] * 20]).rebuild(with_setup(published))
    assert (report.best.outcome.level, report.best.built.data) == ("metadata", one)


def test_not_more_than_so_many_attempts():
    report = Bench([built(OTHER)] * 40, Releases(), versions=tuple(f"3.{n}.1" for n in range(6, 14))).rebuild(
        with_setup(OLD)
    )
    assert (result_of(report), report.tries) == ("mismatch", MAX_ATTEMPTS)
    # Even if each is a little better than the one before.
    jobs = [built(data) for data in reversed(wheels(30))]
    report = Bench(jobs, Releases()).rebuild(with_setup(OLD))
    assert (result_of(report), report.tries) == ("mismatch", MAX_ATTEMPTS)


def test_no_recipe_is_built_twice():
    """The resolver has one answer only, whatever is asked for: one build for each frontend and interpreter."""
    bench = Bench([built(OTHER)] * 99)
    report = bench.rebuild(with_setup(OLD))
    assert report.tries == len(bench.sandbox.jobs) == 4
    assert len(bench.resolver.asked) > report.tries
    questions = [candidate.question for candidate, _ in bench.resolver.asked]
    assert len(set(questions)) == len(questions)


def test_variations_that_fail_do_not_end_the_search():
    bench = Bench([built(OTHER), failed(), built(HONEST)])
    report = bench.rebuild(with_setup())
    assert (result_of(report), report.tries, report.failure) == ("match", 3, None)
    resolver = FakeResolver([(SETUPTOOLS,), unresolved(), (SETUPTOOLS,)])
    report = Bench([built(OTHER), built(HONEST)], resolver).rebuild(with_setup())
    assert (result_of(report), report.tries, report.failure) == ("match", 2, None)


def test_time_that_runs_out_leaves_what_was_found():
    report = Bench([built(OTHER), out_of_time(), built(HONEST)]).rebuild(with_setup())
    assert (result_of(report), report.tries, report.failure, report.cause) == ("mismatch", 2, None, "added")


@pytest.mark.parametrize("ended", ["memory", "disk", "inode", "process", "socket", "output", "log"])
def test_a_mismatch_does_not_stand_beside_a_limit_that_was_broken(ended):
    greedy = Finished(status=0, ended=ended, output=b"", log=b"", seconds=1.0)
    for jobs in ([greedy, *[built(OTHER)] * 20], [built(OTHER), greedy, *[built(OTHER)] * 20]):
        report = Bench(jobs).rebuild(with_setup())
        assert (result_of(report), report.best, report.cause) == ("build-failed", None, "")
        assert (report.failure.phase, report.failure.cause) == ("build", f"{ended}-limit")
    assert result_of(Bench([greedy, *[built(HONEST)] * 20]).rebuild(with_setup())) == "match"


def test_no_output_that_is_no_wheel_is_the_best():
    broken = zip_of([*with_file(0)[:3], File("demo-1.0.dist-info/RECORD")])  # without WHEEL
    report = Bench([built(OTHER), built(broken), built(HONEST)]).rebuild(with_setup())
    assert (result_of(report), report.tries) == ("match", 3)


def test_ranks():
    from witness.compare.ladder import compare
    from witness.wheel.reader import read_wheel

    order = (HONEST, MOVED, METADATA, CONTENT, OTHER, WORSE)
    ranks = [_rank(compare(read_wheel(HONEST), read_wheel(data))) for data in order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
