"""Each rule with its evidence and without, and one row of the backends at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rebuilders.facts.sdist import sdist_facts
from rebuilders.facts.wheel import wheel_facts
from rebuilders.plan.backends import BACKENDS, UNKNOWN, backend_of
from rebuilders.plan.infer import ASKED, Evidence, infer, nearest_python, posix_zone
from rebuilders.plan.recipe import Reason
from rebuilders.plan.requirement import parse_requirement
from tests.sdists import PYPROJECT, sdist_of
from tests.wheels import DIST_INFO, FILES, WHEEL, File, dos, zip_of
from witness.errors import Malformed
from witness.wheel.reader import read_wheel

UPLOADED = datetime(2024, 6, 1, 12, tzinfo=UTC)
MTIME = 1_700_000_000  # 2023-11-14 22:13:20
GENERATOR = b"Generator: setuptools (75.0.0)"


def evidence(
    *,
    generator="setuptools (75.0.0)",
    pyproject=PYPROJECT,
    files=None,
    moments=None,
    modes=None,
    mode=0o644,
    project="demo",
    uploaded=UPLOADED,
    pythons=("3.12", "3.11"),
):
    """Of a wheel with `demo/a.py` and `demo/b.py`, whose times and modes may be given, as in the sdist."""
    moments = moments or [(2023, 11, 14, 22, 13, 20)] * 2
    modes = modes or [0o100644] * 3
    about = WHEEL.replace(GENERATOR, b"Generator: " + generator.encode())
    wheel = zip_of(
        [
            File("demo/a.py", b"a", **_time(moments[0]), mode=modes[0]),
            File("demo/b.py", b"b", **_time(moments[1]), mode=modes[1]),
            File(f"{DIST_INFO}/METADATA", FILES[2].content, **_time(moments[-1])),
            File(f"{DIST_INFO}/WHEEL", about, **_time(moments[-1]), mode=modes[2]),
        ]
    )
    held = {"pyproject.toml": pyproject, "src/demo/a.py": b"a", "demo/b.py": b"b", **(files or {})}
    if pyproject is None:
        held["pyproject.toml"] = b""
    sdist = sdist_facts(sdist_of(held, mode=mode, mtime=MTIME), "demo-1.0.tar.gz", "0" * 64)
    return Evidence(project, wheel_facts(read_wheel(wheel)), sdist, uploaded, pythons)


def _time(moment):
    time, date = dos(*moment)
    return {"time": time, "date": date}


VARIOUS = [(2023, 11, 14, 22, 13, 20), (2023, 11, 14, 22, 13, 22), (2024, 6, 1, 11, 0, 0)]


def first(**kwargs):
    return infer(evidence(**kwargs)).candidates[0]


def system(*requires):
    listed = ", ".join(f'"{text}"' for text in requires)
    return f'[build-system]\nrequires = [{listed}]\nbuild-backend = "b"\n'.encode()


WHEEL_040 = ("wheel==0.40.0", "setuptools<70.1", "setuptools>=62.2.0")
ROWS = {
    "setuptools": ("setuptools (75.0.0)", "setuptools>=61", ("setuptools==75.0.0",)),
    "bdist_wheel": (
        "bdist_wheel (0.43.0)",
        "wheel",
        ("wheel==0.43.0", "setuptools<70.1", "setuptools>=62.2.0"),
    ),
    "hatchling": ("hatchling 1.27.0", "hatchling", ("hatchling==1.27.0",)),
    "flit": ("flit 3.9.0", "flit_core >=3.2,<4", ("flit_core==3.9.0",)),
    "poetry-core": ("poetry-core 1.9.0", "poetry-core>=1.0.0", ("poetry-core==1.9.0",)),
    "poetry": ("poetry 1.0.10", "poetry>=0.12", ("poetry==1.0.10",)),
    "pdm-backend": ("pdm-backend (2.3.3)", "pdm-backend", ("pdm-backend==2.3.3",)),
    "pdm-pep517": ("pdm-pep517 1.1.4", "pdm-pep517", ("pdm-pep517==1.1.4",)),
    "uv": ("uv 0.8.0", "uv_build>=0.8,<0.9", ("uv_build==0.8.0",)),
}


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.generator)
def test_each_backend_is_pinned_to_its_generator(backend):
    generator, requires, constraints = ROWS[backend.generator]
    candidate = first(generator=generator, pyproject=system(requires), moments=VARIOUS)
    assert candidate.constraints == constraints
    assert candidate.requirements == (requires,)
    assert not candidate.ask_backend
    assert backend_of(backend.generator) is backend


@pytest.mark.parametrize("backend", [b for b in BACKENDS if b.constant_time], ids=lambda b: b.generator)
def test_a_backends_own_time_is_no_source_date_epoch(backend):
    generator, requires, _ = ROWS[backend.generator]
    candidate = first(generator=generator, pyproject=system(requires), moments=[backend.constant_time] * 3)
    assert "SOURCE_DATE_EPOCH" not in candidate.variables
    elsewhere = first(generator=generator, pyproject=system(requires), moments=[(2021, 1, 1, 0, 0, 0)] * 3)
    assert elsewhere.variables["SOURCE_DATE_EPOCH"] == "1609459200"


@pytest.mark.parametrize(
    ("generator", "requires", "constraints", "requirements"),
    [
        # The other distribution that carries the version, if that is what the build requires.
        ("flit 2.3.0", ["flit"], ("flit==2.3.0",), ("flit",)),
        ("poetry 1.1.0", ["poetry_core"], ("poetry-core==1.1.0",), ("poetry_core",)),
        # setuptools brings wheel along without naming it: it is named, or its pin would have no effect.
        ("bdist_wheel (0.40.0)", ["setuptools"], WHEEL_040, ("setuptools", "wheel==0.40.0")),
        ("bdist_wheel (0.40.0)", ["other"], WHEEL_040, ("other",)),
        ("Maturin (1.4.0)", ["maturin"], (), ("maturin",)),
        ("meson", ["meson-python"], (), ("meson-python",)),
        ("setuptools", ["setuptools"], (), ("setuptools",)),
        ("setuptools (unknown)", ["setuptools"], (), ("setuptools",)),
        ("setuptools (---)", ["setuptools"], (), ("setuptools",)),
        ("", ["setuptools"], (), ("setuptools",)),
        ("\x1b]0;evil\x07", ["setuptools"], (), ("setuptools",)),
    ],
)  # fmt: skip
def test_generators(generator, requires, constraints, requirements):
    candidate = first(generator=generator, pyproject=system(*requires))
    assert candidate.constraints == constraints
    assert candidate.requirements == requirements


def test_a_project_that_builds_itself_is_not_pinned():
    assert first(project="setuptools").constraints == ()


def test_an_unknown_backend_is_asked():
    plan = infer(evidence(generator="frobnicate 1.0", pyproject=system("frobnicate")))
    assert plan.backend == "frobnicate"
    assert plan.candidates[0].ask_backend
    assert backend_of("frobnicate") is UNKNOWN
    assert not [candidate for candidate in plan.candidates if candidate.after == "failed" and
                candidate.reasons[-1].decision == ASKED]  # fmt: skip


@pytest.mark.parametrize(
    ("generator", "files", "asked"),
    [
        ("setuptools (75.0.0)", {"setup.py": b"setup(setup_requires=['x'])"}, True),
        ("setuptools (75.0.0)", {"setup.cfg": b"setup_requires = x"}, True),
        ("setuptools (75.0.0)", {"setup.py": b"setup()"}, False),
        ("hatchling 1.27.0", {"pyproject.toml": PYPROJECT + b'[tool.x]\ndependencies = ["x"]\n'}, True),
        ("hatchling 1.27.0", {"setup.py": b"setup_requires"}, False),
        ("flit 3.9.0", {"setup.py": b"setup_requires"}, False),
    ],
)
def test_a_backend_is_asked_where_the_sdist_says_so(generator, files, asked):
    assert first(generator=generator, files=files).ask_backend is asked


def test_no_build_system_table_means_setuptools():
    candidate = first(pyproject=b"[project]\n")
    assert candidate.requirements == ("setuptools>=40.8.0",)
    assert "no build-system table" in candidate.reasons[0].because
    assert first(pyproject=None).requirements == ("setuptools>=40.8.0",)
    assert first(pyproject=system()).requirements == ()


BAD = [
    "not a requirement",
    "",
    "-r /etc/passwd",
    "--index-url https://index.example",
    "demo @ https://files.example/demo.whl",
    "demo@file:///etc/passwd",
    "demo\n--index-url=https://index.example",
    "demo\n",
    "demo; extra == 'x\n--extra-index-url=https://index.example\n'",
    "demo; extra == 'x\r-e .\r'",
    "demo; extra == '\x1b]0;title\x07'",
    "demo; extra == '\u202e'",
]


@pytest.mark.parametrize("text", BAD)
def test_requirements_that_are_none(text):
    with pytest.raises(Malformed) as caught:
        parse_requirement(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text", ["foo\\u001b]0;evil\\u0007", "foo; extra == 'x\\n-e .\\n'", "x @ https://a.example/x"]
)
def test_a_plan_refuses_them(text):
    with pytest.raises(Malformed, match=r"pyproject\.toml: ") as caught:
        first(pyproject=f'[build-system]\nrequires = ["{text}"]\n'.encode())
    assert str(caught.value).isprintable()


def test_requirements_that_are_some():
    for text in ("demo", "Demo_X[a,b] >=1,<2 ; python_version < '3.9'", "demo==1.*", "demo~=1.0 # x"[:9]):
        assert parse_requirement(text).name.lower().startswith("demo")


class TestSourceDateEpoch:
    def test_one_time_for_all(self):
        candidate = first(moments=[(2023, 11, 14, 22, 13, 20)] * 3)
        assert candidate.variables["SOURCE_DATE_EPOCH"] == "1700000000"

    def test_the_odd_second_is_in_the_sdist(self):
        given = evidence(moments=[(2023, 11, 14, 22, 13, 20)] * 3)
        held = {path: replace(member, mtime=MTIME + 1) for path, member in given.sdist.members.items()}
        candidate = infer(replace(given, sdist=replace(given.sdist, members=held))).candidates[0]
        assert candidate.variables["SOURCE_DATE_EPOCH"] == "1700000001"

    @pytest.mark.parametrize("moments", [VARIOUS, [(1980, 1, 1, 0, 0, 0)] * 3, [(1980, 15, 31, 0, 0, 0)] * 3])
    def test_no_evidence(self, moments):
        assert "SOURCE_DATE_EPOCH" not in first(moments=moments).variables


FLIT = {"generator": "flit 3.9.0", "pyproject": system("flit_core")}


class TestTimeZone:
    @pytest.mark.parametrize(
        ("hours", "zone"),
        [(0, "UTC"), (2, "<+02>-2"), (-5, "<-05>5"), (5.5, "<+0530>-5:30"), (-9.5, "<-0930>9:30"),
         (5.75, "<+0545>-5:45")],
    )  # fmt: skip
    def test_local_times(self, hours, zone):
        there = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC) + timedelta(hours=hours)
        moment = tuple(there.timetuple()[:6])
        candidate = first(**FLIT, moments=[moment, moment, (2016, 1, 1, 0, 0, 0)])
        assert candidate.variables["TZ"] == zone
        assert posix_zone(int(hours * 3600)) == zone

    @pytest.mark.parametrize(
        "moment", [(2023, 11, 14, 22, 20, 0), (2023, 11, 16, 0, 13, 20), (1980, 0, 0, 0, 0, 0)]
    )
    def test_no_evidence(self, moment):
        moments = [moment, (*moment[:4], moment[4] + 1, 0), (2016, 1, 1, 0, 0, 0)]
        assert first(**FLIT, moments=moments).variables["TZ"] == "UTC"

    def test_other_backends_write_utc(self):
        moment = (2023, 11, 15, 0, 13, 20)
        assert first(moments=[moment, moment, VARIOUS[2]]).variables["TZ"] == "UTC"


class TestModes:
    @pytest.mark.parametrize(
        ("modes", "mode", "umask", "unpacked"),
        [
            ([0o100644, 0o100644, 0o100644], 0o644, 0o022, "archive"),
            ([0o100664, 0o100664, 0o100664], 0o664, 0o002, "archive"),
            ([0o100600, 0o100600, 0o100600], 0o600, 0o077, "archive"),
            ([0o100664, 0o100664, 0o100664], 0o644, 0o002, "umask"),
            ([0o100600, 0o100600, 0o100600], 0o644, 0o077, "umask"),
            ([0o100700, 0o100700, 0o100600], 0o755, 0o077, "umask"),
            ([0o100640, 0o100640, 0o100640], 0o644, 0o027, "umask"),
            ([0o100755, 0o100755, 0o100644], 0o775, 0o022, "umask"),
            ([0o100640, 0o100600, 0o100644], 0o666, 0o022, "archive"),  # neither explains it
            ([0o100644, 0o100644, 0], 0o644, 0o022, "archive"),
        ],
    )
    def test_setuptools_keeps_them(self, modes, mode, umask, unpacked):
        candidate = first(modes=modes, mode=mode)
        assert (candidate.umask, candidate.modes) == (umask, unpacked)

    def test_other_backends_do_not(self):
        candidate = first(generator="hatchling 1.27.0", modes=[0o100664] * 3, mode=0o664)
        assert (candidate.umask, candidate.modes) == (0o022, "archive")


class TestAsOf:
    def test_the_upload_time(self):
        assert first().as_of == UPLOADED

    def test_else_the_newest_time_in_the_wheel(self):
        assert first(uploaded=None, moments=VARIOUS).as_of == datetime(2024, 6, 2, 11, tzinfo=UTC)

    def test_else_nothing(self):
        candidate = first(uploaded=None, moments=[(2016, 1, 1, 0, 0, 0)] * 3, generator="poetry-core 1.0.0")
        assert candidate.as_of is None

    def test_no_time_that_an_index_may_name_is_too_late(self):
        plan = infer(evidence(uploaded=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)))
        assert len({candidate.as_of for candidate in plan.candidates}) > 1


def test_what_is_tried_next():
    plan = infer(evidence(pythons=("3.13", "3.12", "3.11", "3.10")))
    rows = [(c.after, c.python, c.as_of, bool(c.constraints), c.ask_backend) for c in plan.candidates]
    day, week = UPLOADED + timedelta(days=1), UPLOADED + timedelta(days=7)
    assert rows == [
        ("start", "3.12", UPLOADED, True, False),
        ("unresolved", "3.12", UPLOADED, True, False),
        ("unresolved", "3.12", day, True, False),
        ("unresolved", "3.12", week, True, False),
        ("unresolved", "3.12", None, True, False),
        ("unresolved", "3.12", UPLOADED, False, False),
        ("failed", "3.12", UPLOADED, True, True),
        ("failed", "3.11", UPLOADED, True, False),
        ("failed", "3.10", UPLOADED, True, False),
    ]
    assert plan.backend == "setuptools"
    assert [c.requirements for c in plan.candidates[:3]] == [
        ("setuptools>=61",), ("setuptools==75.0.0",), ("setuptools>=61",)]  # fmt: skip
    for candidate in plan.candidates:
        assert all(reason.decision and reason.because for reason in candidate.reasons)


def test_an_in_tree_backend_of_before_pyproject_hooks_1_1():
    table = b'[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n'
    early, late = datetime(2024, 4, 28, tzinfo=UTC), datetime(2024, 4, 30, tzinfo=UTC)

    def frontends(uploaded, pyproject):
        plan = infer(evidence(uploaded=uploaded, pyproject=pyproject))
        return [candidate.frontend for candidate in plan.candidates if candidate.after == "failed"]

    assert frontends(early, table) == ["pep517", "pep517-sys-path", "pep517"]
    assert "pep517-sys-path" not in (*frontends(late, table), *frontends(early, system()))


def test_one_interpreter():
    plan = infer(evidence(pythons=("3.7",)))
    assert {candidate.python for candidate in plan.candidates} == {"3.7"}


def test_a_data_directory_is_not_of_the_payload():
    wheel = zip_of([*FILES, File("demo-1.0.data/scripts/run", b"x")])
    assert set(wheel_facts(read_wheel(wheel)).payload_moments) == {"demo/__init__.py", "demo/run.sh"}


@pytest.mark.parametrize(
    ("change", "message"),
    [({"content": b"\xff"}, "not UTF-8"), ({"name": f"{DIST_INFO}/other"}, "has no")],
)
def test_a_wheel_without_readable_about_files(change, message):
    files = [*FILES[:3], replace(FILES[3], **change), FILES[4]]
    with pytest.raises(Malformed, match=message):
        wheel_facts(read_wheel(zip_of(files)))


class TestNamedPython:
    @pytest.fixture
    def named(self):
        """Evidence whose wheel holds a file that is named for Python 3.9."""

        def make(*pythons):
            found = evidence(pythons=pythons)
            moments = {**found.wheel.moments, "demo-1.0-py3.9-nspkg.pth": VARIOUS[0]}
            return replace(found, wheel=replace(found.wheel, moments=moments))

        return make

    def test_here(self, named):
        assert infer(named("3.12", "3.9")).candidates[0].python == "3.9"

    def test_missing(self, named):
        candidate = infer(named("3.12", "3.11")).candidates[0]
        assert candidate.python == "3.12"
        why = "the wheel names it, but it is not on this machine"
        assert Reason("not Python 3.9", why) in candidate.reasons

    def test_nearest(self, named):
        assert nearest_python(named("3.12")) == "3.9"
        assert nearest_python(evidence(pythons=("3.9",))) == "3.12"
        assert (
            nearest_python(evidence(uploaded=datetime(2022, 6, 1, tzinfo=UTC), pythons=("3.13",))) == "3.10"
        )


SETUP_PY = {"setup.py": b"from setuptools import setup\nsetup()\n"}


class TestTwoBackends:
    """An sdist for two backends, whose wheel comes from the one that pyproject.toml does not name."""

    @pytest.mark.parametrize("generator", ["bdist_wheel (0.34.2)", "setuptools (75.0.0)"])
    def test_setup_py(self, generator):
        candidate = first(generator=generator, pyproject=system("poetry>=0.12"), files=SETUP_PY)
        assert (candidate.frontend, candidate.requirements[:2]) == ("setup.py", ("setuptools", "wheel"))
        assert "not the backend that pyproject.toml names" in candidate.reasons[0].because

    @pytest.mark.parametrize(
        ("generator", "requires", "files"),
        [
            ("poetry 1.0.10", ("poetry>=0.12",), SETUP_PY),
            ("bdist_wheel (0.34.2)", ("poetry>=0.12",), {}),
            ("bdist_wheel (0.34.2)", ("setuptools", "flit_core"), SETUP_PY),
            ("bdist_wheel (0.34.2)", ("something-of-its-own",), SETUP_PY),
            ("bdist_wheel (0.34.2)", (), SETUP_PY),
        ],
    )
    def test_the_hook(self, generator, requires, files):
        assert first(generator=generator, pyproject=system(*requires), files=files).frontend == "pep517"


def test_without_a_pin_nothing_of_it_is_left():
    plan = infer(evidence(generator="bdist_wheel (0.33.3)", pyproject=system("setuptools")))
    (unpinned,) = [c for c in plan.candidates if c.reasons[-1].decision == "no backend version pinned"]
    assert (unpinned.requirements, unpinned.constraints) == (("setuptools", "wheel"), ())
