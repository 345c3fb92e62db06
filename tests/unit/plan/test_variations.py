"""What the search tries next, one variation at a time, with its evidence and without; and the rules of its kind."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rebuilders.facts.sdist import sdist_facts
from rebuilders.facts.wheel import wheel_facts
from rebuilders.plan.infer import Evidence, infer
from rebuilders.plan.recipe import Locked
from rebuilders.plan.variations import VARIATIONS, Miss, variations
from tests.sdists import PYPROJECT, sdist_of
from tests.wheels import DIST_INFO, METADATA, PAYLOAD, UNIX, WINDOWS, File, zip_of
from witness.observation import Difference
from witness.wheel.reader import read_wheel

UPLOADED = datetime(2024, 6, 1, 12, tzinfo=UTC)
SETUP = {"setup.py": b"from setuptools import setup\nsetup()\n"}


def wheel(
    *, generator="setuptools (75.0.0)", tags=("py3",), pure=True, metadata=METADATA, more=(), made_by=UNIX
):
    about = f"Wheel-Version: 1.0\nGenerator: {generator}\nRoot-Is-Purelib: {str(pure).lower()}\n"
    about += "".join(f"Tag: {tag}-none-any\n" for tag in tags)
    files = [
        *PAYLOAD, File(f"{DIST_INFO}/METADATA", metadata), File(f"{DIST_INFO}/WHEEL", about.encode()), *more,
    ]  # fmt: skip
    return wheel_facts(read_wheel(zip_of(replace(file, made_by=made_by) for file in files)))


def evidence(*, files=None, pyproject=PYPROJECT, uploaded=UPLOADED, pythons=("3.12",), published=None, **how):
    held = {"pyproject.toml": pyproject, **(files or {})}
    sdist = sdist_facts(sdist_of(held), "demo-1.0.tar.gz", "0" * 64)
    return Evidence("demo", published or wheel(**how), sdist, uploaded, pythons)


def locked(name, version):
    return Locked(name, version, f"{name}-{version}.whl", "https://f.example/x", "5" * 64)


def tried(given, *, rebuilt=None, differs=(), built_with=(), **changes):
    """The variations of the plan's first candidate, as decision and what it changed."""
    candidate = replace(infer(given).candidates[0], **changes)
    differences = tuple(Difference(path=path, kind="content") for path in differs)
    miss = Miss(rebuilt or given.wheel, differences, tuple(built_with))
    found = list(variations(given, candidate, miss))
    for one in found:
        assert one.reasons[:-1] == candidate.reasons
        assert one.question != candidate.question
        assert one.reasons[-1].because
    return {one.reasons[-1].decision: one for one in found}


def decisions(given, **how):
    return list(tried(given, **how))


class TestByItself:
    """A backend whose wheel names itself."""

    ITSELF = "setuptools (75.0.0)"

    def given(self, project="setuptools", **how):
        return replace(evidence(**how), project=project)

    def test_it_is_built_by_what_came_of_it(self):
        older = wheel(generator="setuptools (74.9.0)")
        found = tried(self.given(generator=self.ITSELF), rebuilt=older)
        one = found["setuptools==75.0.0, as it was built from this sdist"]
        assert one.by_itself
        assert one.requirements == one.constraints == ("setuptools==75.0.0",)

    def test_once(self):
        older = wheel(generator="setuptools (74.9.0)")
        assert not any(
            "as it was built" in name for name in decisions(self.given(), rebuilt=older, by_itself=True)
        )

    def test_only_where_the_generator_differs_and_is_the_project(self):
        older = wheel(generator="setuptools (74.9.0)")
        for found in (decisions(self.given(), rebuilt=wheel()), decisions(self.given("demo"), rebuilt=older)):
            assert not any("as it was built" in name for name in found)


def test_nothing_to_vary():
    assert decisions(evidence()) == []
    assert decisions(evidence(generator="hatchling 1.27.0", files=SETUP), differs=["METADATA"]) == []


SWITCHED = {"setup.py": b"import os\nif os.environ.get('DEMO_NO_EXTENSIONS'): pass\nos.getenv(\"USE_CYTHON\", 1)\n"
    b"os.environ['HOME']; os.environ[ 'EXT_X' ]"}  # fmt: skip


class TestSwitches:
    def test_each_is_tried_with_its_values(self):
        found = tried(evidence(files=SWITCHED), rebuilt=wheel(pure=False))
        names = [name for name in found if "=" in name]
        assert names == [
            "DEMO_NO_EXTENSIONS=1", "DEMO_NO_EXTENSIONS=true", "USE_CYTHON=0", "USE_CYTHON=false", "USE_CYTHON=no",
            "EXT_X=0", "EXT_X=false", "EXT_X=no"]  # fmt: skip
        assert found["USE_CYTHON=0"].variables.items() >= {"USE_CYTHON": "0", "TZ": "UTC"}.items()

    @pytest.mark.parametrize(("published", "rebuilt"), [(True, True), (False, False), (False, True)])
    def test_only_where_extensions_came_uncalled_for(self, published, rebuilt):
        given = evidence(files=SWITCHED, published=wheel(pure=published))
        assert not [name for name in decisions(given, rebuilt=wheel(pure=rebuilt)) if "=" in name]

    def test_no_more_than_some(self):
        text = "".join(f"os.environ['PURE_{n}'];" for n in range(50)).encode()
        found = decisions(evidence(files={"setup.py": text}), rebuilt=wheel(pure=False))
        assert len([name for name in found if "=" in name]) == 8


class TestPythonTag:
    @pytest.mark.parametrize(
        ("tags", "option"),
        [(("py2", "py3"), "--universal"), (("py2",), "--python-tag=py2"), (("py310",), "--python-tag=py310")],
    )
    def test_rule_and_variation(self, tags, option):
        given = evidence(files=SETUP, tags=tags)
        first = infer(given).candidates[0]
        assert (first.frontend, first.options) == ("setup.py", (option,))
        silent = evidence(files={**SETUP, "setup.cfg": b"universal"}, tags=tags)
        first = infer(silent).candidates[0]
        assert (first.frontend, first.options) == ("pep517", ())  # the project may say so by itself
        found = tried(silent, rebuilt=wheel())[f"setup.py bdist_wheel {option}"]
        assert (found.frontend, found.options) == ("setup.py", (option,))
        assert found.requirements == ("setuptools>=61", "wheel")
        assert f"setup.py bdist_wheel {option}" not in tried(silent)  # the tags are right

    @pytest.mark.parametrize(
        "tags", [("py3",), ("py2", "py3", "cp39"), (), ("py3 --command-packages=evil",), ("x" * 200_000,), ("py3\0",),
                 ("--help",), ("py٣",)],
    )  # fmt: skip
    def test_none(self, tags):
        given = evidence(files=SETUP, tags=tags)
        assert infer(given).candidates[0].options == ()
        assert not [name for name in decisions(given, rebuilt=wheel(tags=("py5",))) if "--" in name]

    def test_not_without_setup_py_or_with_another_backend(self):
        assert infer(evidence(tags=("py2",))).candidates[0].options == ()
        given = evidence(files=SETUP, tags=("py2",), generator="flit 3.9.0")
        assert infer(given).candidates[0].options == ()


class TestLineEnds:
    def test_of_metadata(self):
        given = evidence(metadata=METADATA.replace(b"\n", b"\r\n"))
        found = tried(given)["line ends of Windows"]
        assert (found.line_ends, found.modes) == ("crlf", "archive")
        assert found.reasons[-1].because == "METADATA has Windows' line ends"
        assert decisions(given, line_ends="crlf") == []

    def test_of_an_archive_made_there(self):
        found = tried(evidence(made_by=WINDOWS))["line ends of Windows"]
        assert (found.line_ends, found.modes) == ("crlf", "windows")

    def test_none(self):
        assert decisions(evidence()) == []
        assert decisions(evidence(generator="flit 3.9.0", made_by=WINDOWS)) == []


def requires(text):
    return METADATA + f"Requires-Dist: {text}\n".encode()


class TestWheelBesideSetuptools:
    @pytest.mark.parametrize(
        ("spelled", "releases"),
        [("a (>=1)", ["0.40.0", "0.37.1", "0.34.2"]), ("a >=1", ["0.43.0", "0.41.3"]), ("a>=1", ["0.45.1"])],
    )
    def test_by_how_requirements_are_written(self, spelled, releases):
        given = evidence(files=SETUP, metadata=requires(spelled))
        other = "a (<2)" if spelled != "a (>=1)" else "a<2"
        found = tried(given, rebuilt=wheel(metadata=requires(other)), differs=[f"{DIST_INFO}/METADATA"])
        named = [name for name in found if "beside" in name]
        assert named == [f"wheel=={release} beside setuptools" for release in releases]
        one = found[named[0]]
        assert one.requirements == ("setuptools>=61", f"wheel=={releases[0]}")
        assert one.constraints == ("setuptools==75.0.0", f"wheel=={releases[0]}")
        assert one.frontend == "setup.py"

    def test_it_takes_the_place_of_wheel_and_of_nothing_else(self):
        table = PYPROJECT.replace(b'"setuptools>=61"', b'"setuptools>=61", "Wheel <1", "wheel-filename"')
        given = evidence(pyproject=table, metadata=requires("a>=1"))
        found = tried(given, rebuilt=wheel(metadata=requires("a (>=1)")), differs=[f"{DIST_INFO}/METADATA"])
        one = found["wheel==0.45.1 beside setuptools"]
        assert one.requirements == ("setuptools>=61", "wheel-filename", "wheel==0.45.1")
        assert one.frontend == "pep517"

    def test_none(self):
        spelled, other = wheel(metadata=requires("a>=1")), wheel(metadata=requires("a (>=1)"))
        differs = [f"{DIST_INFO}/METADATA"]
        for given, rebuilt, paths in (
            (spelled, spelled, differs),
            (spelled, other, ["demo/__init__.py"]),
            (wheel(generator="bdist_wheel (0.43.0)", metadata=requires("a>=1")), other, differs),
        ):
            found = decisions(evidence(published=given), rebuilt=rebuilt, differs=paths)
            assert not [name for name in found if "beside" in name]


def test_setup_py():
    assert tried(evidence(files=SETUP))["setup.py bdist_wheel"].requirements == ("setuptools>=61", "wheel")
    with_wheel = PYPROJECT.replace(b'"setuptools>=61"', b'"setuptools>=61", "WHEEL"')
    found = tried(evidence(files=SETUP, pyproject=with_wheel))["setup.py bdist_wheel"]
    assert found.requirements == ("setuptools>=61", "WHEEL")
    alike = PYPROJECT.replace(b'"setuptools>=61"', b'"setuptools>=61", "wheel-filename"')
    found = tried(evidence(files=SETUP, pyproject=alike))["setup.py bdist_wheel"]
    assert found.requirements[-1] == "wheel"
    assert decisions(evidence()) == []
    assert decisions(evidence(files=SETUP), frontend="setup.py") == []
    assert decisions(evidence(files=SETUP, generator="flit 3.9.0")) == []


class TestOlderSetuptools:
    GENERATOR = "bdist_wheel (0.37.1)"

    @pytest.mark.parametrize(
        ("used", "first", "count"), [("70.0.0", "69.0", 13), ("69.0.0", "69.0", 13), ("68.2.2", "67.0", 12),
                                     ("40.0.0", "40.0", 1), ("39.9.9", None, 0)],
    )  # fmt: skip
    def test_never_above_what_was_used(self, used, first, count):
        found = tried(evidence(generator=self.GENERATOR), built_with=[locked("setuptools", used)])
        ladder = [name for name in found if name.startswith("setuptools<")]
        assert len(ladder) == count
        assert ladder[:1] == ([f"setuptools<{first}"] if first else [])
        bounds = [float(name.partition("<")[2]) for name in ladder]
        assert bounds == sorted(bounds, reverse=True)
        for name in ladder:
            assert found[name].constraints[-1] == name
            assert found[name].constraints[0] == "wheel==0.37.1"

    def test_from_before_hooks(self):
        """A setuptools of before PEP 517 is run by setup.py, and not ruled out by a default that nobody wrote."""
        used = [locked("setuptools", "41.6.0")]
        found = tried(evidence(files=SETUP, generator=self.GENERATOR, pyproject=b""), built_with=used)
        assert (found["setuptools<41.3"].frontend, found["setuptools<40.0"].frontend) == (
            "pep517",
            "setup.py",
        )
        assert found["setuptools<41.3"].requirements == ("setuptools>=40.8.0", "wheel==0.37.1")
        assert found["setuptools<40.0"].requirements == ("wheel==0.37.1", "setuptools")
        found = tried(evidence(files=SETUP, generator=self.GENERATOR), built_with=used)
        assert "setuptools>=61" in found["setuptools<40.0"].requirements  # the project asks for it

    def test_only_where_its_release_is_not_told(self):
        assert decisions(evidence(), built_with=[locked("setuptools", "70.0.0")]) == []
        assert decisions(evidence(generator=self.GENERATOR), built_with=[locked("wheel", "0.37.1")]) == []


def test_other_pythons():
    pythons = ("3.13", "3.12", "3.11", "3.10", "3.9", "3.8")
    found = tried(evidence(pythons=pythons))
    assert list(found) == ["Python 3.11", "Python 3.10", "Python 3.9"]
    assert [one.python for one in found.values()] == ["3.11", "3.10", "3.9"]


def test_each_variation_has_a_test():
    names = {variation.__name__ for variation in VARIATIONS}
    assert names == {
        "_by_itself", "_switches", "_python_tag", "_line_ends", "_wheel_release", "_setup_py", "_older_setuptools",
        "_other_pythons"}  # fmt: skip


class TestNamedPython:
    PTH = File("demo-1.0-py3.9-nspkg.pth", b"import x\n")

    @pytest.mark.parametrize(
        "more",
        [PTH, File(f"{DIST_INFO}/entry_points.txt", b"[console_scripts]\ndemo = a:b\ndemo3.9 = a:b\n"),
         File(f"{DIST_INFO}/entry_points.txt", b"[console_scripts]\ndemo-3.9=a:b\n")],
    )  # fmt: skip
    def test_it_is_tried_first_and_the_others_after_it(self, more):
        plan = infer(evidence(more=(more,), pythons=("3.12", "3.9", "3.8")))
        first = plan.candidates[0]
        assert first.python == "3.9"
        assert ("Python 3.9", "the wheel names it") in [(r.decision, r.because) for r in first.reasons]
        assert {c.python for c in plan.candidates} == {"3.8", "3.9", "3.12"}

    def test_none(self):
        assert infer(evidence(more=(self.PTH,), pythons=("3.12",))).candidates[0].python == "3.12"
        for name in ("demo3.txt", "demo-py2.7-nspkg.pth", "py3.9.py"):
            given = evidence(more=(File(name, b"x"),), pythons=("3.12", "3.9"))
            assert infer(given).candidates[0].python == "3.12"


class TestPinInPlaceOfARequirement:
    @pytest.mark.parametrize(
        ("generator", "requires", "pin"),
        [("flit 3.9.0", "flit-core >=3.2,<3.5", "flit_core==3.9.0"),
         ("poetry-core 1.9.0", "Poetry_Core<1.5", "poetry-core==1.9.0")],
    )  # fmt: skip
    def test_it_is_tried_when_both_cannot_be_had(self, generator, requires, pin):
        table = f'[build-system]\nrequires = ["{requires}", "other"]\n'.encode()
        plan = infer(evidence(generator=generator, pyproject=table))
        assert plan.candidates[0].requirements == (requires, "other")
        second = plan.candidates[1]
        assert (second.after, second.requirements) == ("unresolved", ("other", pin))
        assert second.reasons[-1].decision == f"{pin}, whatever the project asks for"

    def test_none(self):
        table = b'[build-system]\nrequires = ["other"]\n'
        plan = infer(evidence(generator="flit 3.9.0", pyproject=table))
        assert {c.requirements for c in plan.candidates} == {("other",)}


class TestBeforePep517:
    BEFORE, SINCE = datetime(2019, 2, 4, 23, tzinfo=UTC), datetime(2019, 2, 5, tzinfo=UTC)

    def test_the_command_that_there_was(self):
        first = infer(evidence(pyproject=b"", files=SETUP, uploaded=self.BEFORE)).candidates[0]
        assert (first.frontend, first.requirements) == ("setup.py", ("setuptools", "wheel"))
        assert (first.options, first.ask_backend) == ((), False)

    def test_hooks_since(self):
        for how in ({"pyproject": b"", "uploaded": self.SINCE}, {"pyproject": b"", "uploaded": None},
                    {"uploaded": self.BEFORE}):  # fmt: skip
            assert infer(evidence(files=SETUP, **how)).candidates[0].frontend == "pep517"

    @pytest.mark.parametrize(
        ("text", "named"),
        [("setup_requires=['pbr>=1', \"six\"]", ("pbr>=1", "six")),
         ("setup_requires = [\n  'a',\n  'b',\n]", ("a", "b")),
         ("setup_requires=[]", ()), ("setup_requires=needed", ()),
         ("setup_requires=['a @ https://x.example/a', 'b']", ("b",)),
         ("setup_requires=['-r evil', 'x\\n-e .']", ()), ("", ())],
    )  # fmt: skip
    def test_setup_requires(self, text, named):
        given = evidence(pyproject=b"", files={"setup.py": text.encode()}, uploaded=self.BEFORE)
        assert infer(given).candidates[0].requirements == ("setuptools", "wheel", *named)

    def test_hooks_tell_setup_requires_by_themselves(self):
        given = evidence(files={"setup.py": b"setup_requires=['pbr']"})
        first = infer(given).candidates[0]
        assert (first.requirements, first.ask_backend) == (("setuptools>=61",), True)
