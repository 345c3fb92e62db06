"""The class of a difference by its name alone: never a lesser one than a look inside could find."""

import pytest

from witness.differences.by_name import by_name
from witness.differences.classes import SEVERITIES, rows
from witness.observation import Difference


@pytest.mark.parametrize(
    ("path", "kind", "id_"),
    [
        ("", "archive", "archive-ambiguity"),
        ("demo-1.0-py3-none-any.whl", "filename", "other-filename"),
        ("demo/a.py", "content", "code-changed"),
        ("demo/a.py", "only-in-published", "code-added"),
        ("demo/a.py", "only-in-rebuilt", "code-missing"),
        ("demo/a.py", "executable-bit", "exec-bit"),
        ("demo/a.cpython-312.PYC", "content", "bytecode"),
        ("demo/_a.so.1.2", "content", "native-code"),
        ("demo.PTH", "only-in-published", "pth"),
        ("demo-1.0.data/scripts/demo", "content", "script-changed"),
        ("demo-1.0.dist-info/RECORD", "content", "record-wrong"),
        ("demo-1.0.dist-info/METADATA", "content", "metadata-unclear"),
        ("demo-1.0.dist-info/entry_points.txt", "content", "entry-point-changed"),
        ("demo-1.0.dist-info/licenses/LICENSE", "content", "dist-info-file"),
        ("demo/RECORD", "content", "data-changed"),
        ("demo/data.bin", "only-in-published", "extra-file"),
        ("demo/data.bin", "only-in-rebuilt", "missing-file"),
        ("demo/data.bin", "something new", "data-changed"),
    ],
)
def test_classes(path, kind, id_):
    assert by_name(Difference(path=path, kind=kind)).id == id_


def test_nothing_is_harmless_by_its_name():
    ids = {row.id for row in rows() if row.severity == "form"}
    for path in ("a.py", "a.txt", "a-1.dist-info/WHEEL", "a-1.dist-info/RECORD", "a.gz", ""):
        assert by_name(Difference(path=path, kind="content")).id not in ids
    assert "form" in SEVERITIES
