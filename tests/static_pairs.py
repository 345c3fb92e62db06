"""An honest pair for the static check, and ways to change either side of it. Tiny, built in memory."""

from dataclasses import dataclass, field, replace

from rebuilders.facts.sdist import read_sdist
from rebuilders.static.check import Checked, check
from tests.sdists import TOP, info, tar_of
from tests.wheels import DIST_INFO, FILENAME, File, recorded, zip_of
from witness.names import WheelName
from witness.wheel.reader import read_wheel

METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: left-pad>=1\n\nA demo.\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: setuptools (75.0.0)\nRoot-Is-Purelib: true\nTag: py3-none-any\n\n"
SETUPTOOLS = b'[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n'
FLIT = b'[build-system]\nrequires = ["flit_core>=3"]\nbuild-backend = "flit_core.buildapi"\n'
SCRIPTS = b'[project]\nname = "demo"\n[project.scripts]\ndemo = "demo.main:run"\n'
INIT, MAIN = b"from demo import main\n", b"def run():\n    return 1\n"


@dataclass(frozen=True)
class Pair:
    """A wheel and an sdist as files by path. `modes` are those of the sdist's, `executable` the wheel's paths."""

    wheel: dict[str, bytes]
    sdist: dict[str, bytes]
    modes: dict[str, int] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()
    filename: str = FILENAME
    record: bool = True
    links: dict[str, str] = field(default_factory=dict)

    def wheel_with(self, files: dict[str, bytes | None], **changes) -> "Pair":
        return replace(self, wheel=_merged(self.wheel, files), **changes)

    def sdist_with(self, files: dict[str, bytes | None], **changes) -> "Pair":
        return replace(self, sdist=_merged(self.sdist, files), **changes)

    @property
    def wheel_bytes(self) -> bytes:
        files = [
            File(path, content, mode=0o100755 if path in self.executable else 0o100644)
            for path, content in self.wheel.items()
        ]
        if self.record:
            files = list(recorded((*files, File(f"{DIST_INFO}/RECORD"))))
        return zip_of(files)

    @property
    def sdist_bytes(self) -> bytes:
        import gzip
        import tarfile

        members = [
            (info(f"{TOP}/{path}", mode=self.modes.get(path, 0o644)), content)
            for path, content in self.sdist.items()
        ]
        for path, goal in self.links.items():
            link = info(f"{TOP}/{path}", kind=tarfile.SYMTYPE)
            link.linkname = goal
            members.append((link, b""))
        return gzip.compress(tar_of(members), mtime=0)

    def check(self) -> Checked:
        sdist = read_sdist(self.sdist_bytes, "demo-1.0.tar.gz", "0" * 64)
        return check(read_wheel(self.wheel_bytes), WheelName.parse(self.filename), sdist)


def _merged(files: dict[str, bytes], changes: dict[str, bytes | None]) -> dict[str, bytes]:
    merged = {**files, **{path: content for path, content in changes.items() if content is not None}}
    return {path: content for path, content in merged.items() if changes.get(path, b"") is not None}


def about(name: str) -> str:
    return f"{DIST_INFO}/{name}"


HONEST = Pair(
    wheel={
        "demo/__init__.py": INIT,
        "demo/main.py": MAIN,
        about("METADATA"): METADATA,
        about("WHEEL"): WHEEL,
        about("entry_points.txt"): b"[console_scripts]\ndemo = demo.main:run\n",
        about("top_level.txt"): b"demo\n",
        about("licenses/LICENSE"): b"A license.\n",
    },
    sdist={
        "pyproject.toml": SETUPTOOLS + SCRIPTS,
        "setup.py": b"from setuptools import setup\nsetup()\n",
        "PKG-INFO": METADATA,
        "LICENSE": b"A license.\n",
        "demo/__init__.py": INIT,
        "demo/main.py": MAIN,
        "tests/test_main.py": b"raise SystemExit\n",
        "docs/conf.py": b"x = 1\n",
        "demo.egg-info/PKG-INFO": METADATA,
        "demo.egg-info/top_level.txt": b"demo\n",
    },
)


def moved(root: str, pair: Pair = HONEST) -> Pair:
    """The pair with the package of its sdist below `root`."""
    files = {f"{root}{path}" if path.startswith("demo/") else path: data for path, data in pair.sdist.items()}
    return replace(pair, sdist=files)
