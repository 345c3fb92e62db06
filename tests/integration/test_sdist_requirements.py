"""Build requirements that the index has only as sdists: a real index on loopback, real uv, a real sandbox."""
# ruff: noqa: E501 - a row of a table is a line

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rebuilders.config import Settings
from rebuilders.observe import observe
from rebuilders.result import result_of, to_json
from rebuilders.text import rendered
from rebuilders.wiring import open_workshop
from tests.package_index import serving
from tests.releases import BACKEND, SDIST, WHEEL, member, requirement_wheel, sdist_bytes, tar_gz, wheel_bytes
from witness.digest import sha256_hex
from witness.errors import FetchFailed
from witness.names import TargetName
from witness.statement import encode, parse

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

USING = "\nimport {module}\nMEMBERS['demo.py'] = b'VALUE = %d\\n' % {module}.VALUE\n"


def pyproject(*requires, backend="backend"):
    return (
        f'[build-system]\nrequires = {list(requires)!r}\nbuild-backend = "{backend}"\nbackend-path = ["."]\n'
    )


def sdist_of(name, *requires, version="1.0", more=""):
    """A project's sdist, whose wheel has one module of the project's name."""
    backend = BACKEND.replace("demo", name).replace("1.0", version) + more
    return {
        f"{name}-{version}.tar.gz": sdist_bytes(
            backend, pyproject=pyproject(*requires), top=f"{name}-{version}"
        )
    }


@pytest.fixture
def index():
    with serving() as started:
        yield started


@pytest.fixture
def workshop(index, tmp_path):
    opened = open_workshop(Settings(index=f"{index.url}simple/", cache=tmp_path / "cache"))
    return replace(opened, ports=replace(opened.ports, interpreters=opened.ports.interpreters[:1]))


@pytest.fixture
def rebuild(index, workshop):
    """Rebuilds a release whose build requires `requires` and imports `module`."""

    def run(*requires, module="helper", timeout=120.0):
        sdist = sdist_bytes(BACKEND + USING.format(module=module), pyproject=pyproject(*requires))
        index.files["demo"] = {WHEEL: wheel_bytes(), SDIST: sdist}
        index.times |= {WHEEL: "2025-06-01T00:00:00Z", SDIST: "2025-06-01T00:00:00Z"}
        report = workshop.rebuild(TargetName.parse("demo==1.0"), timeout)
        assert rendered(report, TargetName.parse(WHEEL)).replace("\n", "").isprintable()
        return report

    return run


def held(report):
    return {item.name: item for item in report.best.recipe.requirements}


class TestBuilt:
    def test_one(self, index, rebuild):
        index.files["helper"] = sdist_of("helper")
        report = rebuild("helper>=1")
        assert result_of(report) == "match", report.failure
        source = sha256_hex(index.files["helper"]["helper-1.0.tar.gz"])
        helper = held(report)["helper"]
        assert (helper.version, helper.source, helper.filename) == (
            "1.0",
            source,
            "helper-1.0-py3-none-any.whl",
        )
        assert "helper 1.0 (built here from its sdist)" in rendered(report, TargetName.parse(WHEEL))
        value = to_json(report, TargetName.parse(WHEEL))["recipe"]
        assert value["requirements"] == ["helper==1.0"]
        assert value["builtRequirements"] == [
            {"name": "helper", "version": "1.0", "sdist": source, "recipe": helper.recipe}
        ]
        now = datetime(2026, 1, 1, tzinfo=UTC)
        statement = observe(
            report, builder="node-a", isolation="bubblewrap", started=now, finished=now, previous=None
        )
        assert parse(encode(statement)) == statement
        told = statement.observation.environment.wire()["requirements"]
        assert told == [
            {"name": "helper", "version": "1.0", "sha256": helper.sha256, "builtFrom": {"sha256": source}}
        ]

    def test_once(self, index, rebuild, workshop):
        index.files["helper"] = sdist_of("helper")
        first = rebuild("helper")
        kept = sorted(workshop.ports.resolver.cache.glob("requirements/*/*/*.whl"))
        asked = len(index.asked)
        second = rebuild("helper")
        assert (held(first), first.best.recipe.digest) == (held(second), second.best.recipe.digest)
        assert sorted(workshop.ports.resolver.cache.glob("requirements/*/*/*.whl")) == kept
        assert not [path for path in index.asked[asked:] if "helper" in path]

    def test_one_that_is_lost_is_built_again(self, index, rebuild, workshop):
        index.files["helper"] = sdist_of("helper")
        first = rebuild("helper")
        for path in workshop.ports.resolver.cache.glob("requirements/*/*/*.whl"):
            path.write_bytes(b"damaged")
        second = rebuild("helper")
        assert result_of(second) == "match"
        assert held(first) == held(second)

    def test_by_what_is_only_an_sdist_itself(self, index, rebuild):
        index.files["deeper"] = sdist_of("deeper")
        index.files["helper"] = sdist_of("helper", "deeper", more="\nimport deeper\n")
        report = rebuild("helper")
        assert result_of(report) == "match", report.failure
        assert set(held(report)) == {"helper"}

    def test_for_a_requirement_that_is_a_wheel(self, index, rebuild):
        code = {"frame.py": b"import helper\nVALUE = helper.VALUE\n"}
        requires = (
            "helper; python_version >= '3'",
            "nowhere; python_version < '3'",
            "other; python_version > 'x'",
        )
        index.files["frame"] = dict([requirement_wheel("frame", code, requires=requires[:2])])
        index.files["helper"] = sdist_of("helper")
        report = rebuild("frame", module="frame")
        assert result_of(report) == "match", report.failure
        assert [(item.name, bool(item.source)) for item in held(report).values()] == [
            ("frame", False),
            ("helper", True),
        ]

    def test_for_what_was_built(self, index, rebuild):
        """What a built wheel requires in turn is known only once it is built."""
        metadata = "\nMEMBERS[INFO + 'METADATA'] += b'Requires-Dist: deeper\\n'\n"
        index.files["helper"] = sdist_of("helper", more=metadata)
        index.files["deeper"] = sdist_of("deeper")
        report = rebuild("helper")
        assert result_of(report) == "match", report.failure
        assert {name: bool(item.source) for name, item in held(report).items()} == {
            "helper": True,
            "deeper": True,
        }

    def test_a_release_with_a_wheel_is_preferred(self, index, rebuild):
        index.files["helper"] = sdist_of("helper", version="2.0") | dict(
            [requirement_wheel("helper", {"helper.py": b"VALUE = 1\n"})]
        )
        report = rebuild("helper")
        assert (held(report)["helper"].version, held(report)["helper"].source) == ("1.0", "")

    def test_the_newest_that_there_was(self, index, rebuild):
        for version, day in (
            ("1.0", "2024-01-01"),
            ("1.5", "2024-06-01"),
            ("2.0b1", "2024-07-01"),
            ("3.0", "2025-07-01"),
        ):
            index.files.setdefault("helper", {}).update(sdist_of("helper", version=version))
            index.times[f"helper-{version}.tar.gz"] = f"{day}T00:00:00Z"
        report = rebuild("helper")
        assert held(report)["helper"].version == "1.5"

    def test_the_bytes_do_not_depend_on_when(self, index, rebuild):
        stamp = "\nimport os\nMEMBERS['stamp.txt'] = os.environ['SOURCE_DATE_EPOCH'].encode()\n"
        index.files["helper"] = sdist_of("helper", more=stamp)
        assert result_of(rebuild("helper")) == "match"


def failing(code):
    return sdist_of("helper", more=f"\ndef build_wheel(*_, **__):\n    {code}\n")


class TestRefused:
    @pytest.mark.parametrize(
        ("files", "cause", "words"),
        {
            "its build fails": ({"helper": failing("raise SystemExit('no\\x1b[31m')")}, "requirement-not-built", "helper: the hook build_wheel failed"),
            "another project": ({"helper": {"helper-1.0.tar.gz": sdist_of("other")["other-1.0.tar.gz"]}}, "requirement-other", "another release"),
            "another version": ({"helper": {"helper-1.0.tar.gz": sdist_of("helper", version="9.0")["helper-9.0.tar.gz"]}}, "requirement-other", "another release"),
            "a name of another": ({"helper": sdist_of("helper", more="\nMEMBERS[INFO + 'METADATA'] = b'Metadata-Version: 2.1\\nName: setuptools\\nVersion: 1.0\\n'\n")}, "requirement-other", "another release"),
            "no wheel": ({"helper": failing("open(os.path.join(_[0], NAME), 'w').close(); return NAME")}, "requirement-other", "is no wheel"),
            "of itself": ({"helper": sdist_of("helper", "helper")}, "requirement-cycle", "helper for helper: a build requirement that is built of itself"),
            "in a circle": ({"helper": sdist_of("helper", "deeper"), "deeper": sdist_of("deeper", "helper")}, "requirement-cycle", "helper for deeper for helper"),
            "too deep": ({name: sdist_of(name, after) for name, after in zip(("helper", "b2", "c3", "d4", "e5"), ("b2", "c3", "d4", "e5", "helper"), strict=True)}, "requirement-limit", "e5 for d4 for c3 for b2 for helper: build requirements nested too deep"),
            "no sdist": ({"helper": {"helper-1.0.tar.gz": b"nothing"}}, "requirement-not-built", "not a gzip file"),
            "an option for uv": ({"helper": sdist_of("helper", "x; extra == '\n--index-url http://192.0.2.1/'")}, "requirement-not-built", "has control characters"),
            "an address": ({"helper": sdist_of("helper", "x @ https://192.0.2.1/x.whl")}, "requirement-not-built", "names an address"),
            "nothing at all": ({"helper": sdist_of("helper", "nowhere")}, "requirement-not-built", "cannot be resolved"),
        }.values(),
    )  # fmt: skip
    def test_refused(self, index, rebuild, files, cause, words):
        index.files.update(files)
        report = rebuild("helper")
        assert report.best is None
        assert (report.failure.result, report.failure.phase, report.failure.cause) == (
            "build-failed",
            "resolve",
            cause,
        )
        assert words in str(report.failure)
        assert str(report.failure).isprintable()

    def test_too_many(self, index, rebuild):
        names = [f"many{number}" for number in range(14)]
        index.files.update({name: sdist_of(name) for name in names})
        report = rebuild(*names)
        assert (report.failure.phase, report.failure.cause) == ("resolve", "requirement-limit")

    def test_one_that_hangs_ends_with_the_deadline(self, index, rebuild):
        index.files["helper"] = failing("import time; time.sleep(600)")
        report = rebuild("helper", timeout=8.0)
        assert (result_of(report), report.failure.cause) == ("build-failed", "time-limit")

    def test_nothing_of_it_runs_on_the_host(self, index, rebuild, tmp_path):
        mark = tmp_path / "ran"
        setup = f"open({str(mark)!r}, 'w').close()\n".encode()
        index.files["helper"] = {
            "helper-1.0.tar.gz": tar_gz(
                member("helper-1.0/setup.py", setup), member("helper-1.0/PKG-INFO", b"Name: helper\n")
            )
        }
        index.files["setuptools"] = dict(
            [
                requirement_wheel(
                    "setuptools",
                    {
                        "setuptools/__init__.py": b"",
                        "setuptools/build_meta.py": b"import runpy\n__legacy__ = None\n",
                    },
                    "80.0",
                )
            ]
        )
        report = rebuild("helper")
        assert report.failure is not None
        assert not mark.exists()

    def test_an_sdist_that_cannot_be_had_says_nothing_of_the_target(self, index, rebuild):
        index.files["helper"] = sdist_of("helper")
        index.broken.add("/files/helper/helper-1.0.tar.gz")
        with pytest.raises(FetchFailed):
            rebuild("helper")
