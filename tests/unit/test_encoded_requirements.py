"""A requirements file means the same whatever the system's encoding is."""

import codecs
import os
import subprocess
import sys

import pytest

from tests.everywhere.reachable import CHECKOUT
from witness.pins.requirements import read_requirements

SHA = "0" * 64
LINE = f"demo==1.0 --hash=sha256:{SHA}\n"
CAFE = "# café, 包, Á\n"
FILES = {
    "UTF-8": (CAFE + LINE).encode(),
    "UTF-8 with a mark": codecs.BOM_UTF8 + (CAFE + LINE).encode(),
    "UTF-16": (CAFE + LINE).encode("utf-16"),
    "declared": ("# -*- coding: latin-1 -*-\n# café\n" + LINE).encode("latin-1"),
    "declared in the second line": ("# a file\n# coding=cp1252\n# café €\n" + LINE).encode("cp1252"),
    "ASCII": LINE.encode(),
}
READ = """
import locale, pathlib, sys
from witness.pins.requirements import read_requirements
assert locale.getpreferredencoding(False) != "UTF-8"
(pin,) = read_requirements(pathlib.Path(sys.argv[1])).pins
print(pin.project, pin.version, *pin.sha256, pin.origin)
"""


@pytest.mark.parametrize("name", FILES)
def test_it_reads_the_same_where_the_system_is_ascii(tmp_path, name):
    path = tmp_path / "requirements.txt"
    path.write_bytes(FILES[name])
    (pin,) = read_requirements(path).pins
    assert (pin.project, pin.version, pin.sha256) == ("demo", "1.0", {SHA})
    env = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONPATH": str(CHECKOUT),
    }
    done = subprocess.run(
        [sys.executable, "-c", READ, path], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["demo", "1.0", SHA, str(pin.origin)]
