"""Pages that are made from the code are as the code makes them now."""

import hashlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, ROOT
from witness.wheel.reader import read_wheel

HINT = "run .venv/bin/python docs/reference/generate.py"


def load():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "reference" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = load()


@pytest.mark.parametrize("path", GENERATE.pages(), ids=lambda path: path.name)
def test_the_page_is_up_to_date(path):
    assert path.read_text("utf-8") == GENERATE.pages()[path], HINT


@pytest.mark.parametrize("arguments", [("wheelwitness",), ("wheelwitness", "check"), ("rebuilder", "init")])
def test_the_page_has_what_the_program_prints(arguments):
    program, *rest = arguments
    done = subprocess.run(
        [Path(sys.executable).parent / program, *rest, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.stdout == GENERATE.help_of(*arguments)


def test_every_variable_of_ours_is_on_its_page():
    pattern = re.compile(r"WHEELWITNESS_[A-Z_]+")
    sources = [*ROOT.glob("witness/**/*.py"), *ROOT.glob("rebuilders/**/*.py")]
    used = {name for path in sources for name in pattern.findall(path.read_text("utf-8"))}
    told = set(pattern.findall((DOCS / "reference/environment-variables.md").read_text("utf-8")))
    assert used == told


def test_the_worked_example_is_what_a_wheel_of_it_has():
    text = (DOCS / "reference" / "formats.md").read_text("utf-8")
    digests = dict(re.findall(r"^`(\w+Digest)` = `([0-9a-f]{64})`$", text, re.MULTILINE))
    blocks = re.findall(r"```text\n(wheelwitness-.*?)```", text, re.DOTALL)
    assert [hashlib.sha256(block.encode()).hexdigest() for block in blocks] == list(digests.values())
    wheel = read_wheel(zipped(GENERATE.example(text)))
    assert not wheel.findings
    assert digests == {
        "payloadDigest": wheel.payload_digest,
        "distInfoDigest": wheel.dist_info_digest,
        "recordDigest": wheel.record_digest,
    }


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, (executable, content) in files.items():
            info = zipfile.ZipInfo(path)
            info.create_system = 3
            info.external_attr = (0o100755 if executable else 0o100644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()
