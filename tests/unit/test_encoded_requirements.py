"""A requirements file means the same whatever the system's encoding is."""

import codecs
import os
import subprocess
import sys

import pip_requirements_parser
import pytest

from tests.everywhere.reachable import CHECKOUT
from witness.pins import encoded
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


MANY = f"""\
--index-url https://one.example/simple
--extra-index-url https://two.example/simple --extra-index-url=https://three.example/simple
--find-links ./wheels -f more --no-binary a,b --only-binary :all: --pre --trusted-host one.example
-r other.txt
--requirement third.txt
-c constraints.txt
{LINE}
demo==1.0 --hash=sha256:{"1" * 64} \\
    --hash sha256:{"2" * 64}
demo==1.0 --hash
bare==2.0 ; python_version > "3"
--no-index --use-feature x --require-hashes --prefer-binary
-e ./here
demo==1.0 --global-option=a --install-option b --install-option c
--allow-external x --always-unzip
demo==1.0 --unknown
"open
# a remark
"""


def test_one_parser_of_options_reads_as_one_for_each_line_does(tmp_path, monkeypatch):
    path = tmp_path / "requirements.txt"
    path.write_text(MANY * 2)
    by_one = encoded.parse(path)
    monkeypatch.setattr(pip_requirements_parser, "build_parser", encoded.build_parser)
    by_many = encoded.parse(path)
    assert by_one.to_dict() == by_many.to_dict()
    assert [len(found) for found in (by_one.requirements, by_one.options)] != [0, 0]
    assert by_one.invalid_lines
