"""Requirements files, wheels and detection: nothing that pip would install is skipped in silence."""

import hashlib

import pytest

from tests.integration.trusted_nodes import WHEEL, wheel
from witness.errors import InputError
from witness.pins.detect import read_input, read_inputs, read_target
from witness.pins.requirements import read_requirements
from witness.pins.wheels import read_wheel
from witness.wheel import reader as strict

A, B, C = "a" * 64, "b" * 64, "c" * 64


def read(tmp_path, text, **others):
    for name, content in others.items():
        (tmp_path / f"{name}.txt").write_text(content, encoding="utf-8")
    path = tmp_path / "requirements.txt"
    path.write_text(text, encoding="utf-8")
    return read_requirements(path)


def test_pins_with_hashes(tmp_path):
    pins = read(
        tmp_path,
        f"# made by a tool\n--index-url https://index.example/simple\nDemo_Pkg==1.0.0 \\\n"
        f"    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n    # via something\n"
        f"other[extra]===2.0 --hash=sha256:{C} --hash=sha512:{'d' * 128}\n",
    )
    first, second = pins.pins
    assert (first.project, first.version, first.sha256) == ("demo-pkg", "1.0.0", {A, B})
    assert str(first.origin) == f"{tmp_path / 'requirements.txt'}:3"
    assert (second.project, second.version, second.sha256) == ("other", "2.0", {C})
    assert not pins.unpinned


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ("demo==1.0", "error", "no sha256: pin it with --hash (uv pip compile --generate-hashes"),
        ("demo==1.0 --hash=md5:abc", "error", "no sha256"),
        (f"demo>=1.0 --hash=sha256:{A}", "error", "not pinned to one version"),
        (f"demo==1.* --hash=sha256:{A}", "error", "not pinned to one version"),
        (f"demo===whatever --hash=sha256:{A}", "error", "not pinned to one version"),
        ("demo", "error", "not pinned to one version"),
        ("-e ./local", "not-applicable", "editable"),
        ("-e git+https://git.example/x.git#egg=x", "not-applicable", "editable"),
        ("demo @ git+https://git.example/x.git", "not-applicable", "version control"),
        (f"demo @ https://files.example/{WHEEL}", "not-applicable", "path or URL"),
        (f"./{WHEEL}", "not-applicable", "path or URL"),
    ],
)
def test_entries_that_no_digest_stands_for(tmp_path, line, kind, reason):
    pins = read(tmp_path, line + "\n")
    (entry,) = pins.unpinned
    assert not pins.pins
    assert entry.kind == kind
    assert reason in entry.reason
    assert entry.origin.line == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("demo==1.0\n??? what\n", ":2: not a requirement: ??? what"),
        ("--no-such-option\n", ":1: not a requirement"),
        ("demo==1.0 ; nonsense\n", ":1: not a requirement"),
        (f"demo==1.0 --hash=sha256:{A[:-1]}\n", ":1: not a SHA-256 digest"),
        ("-r missing.txt\n", ":1: includes missing.txt: no such file"),
        ("-r https://files.example/r.txt\n", "which is not fetched"),
        ("\n-r requirements.txt\n", ":2: includes requirements.txt, which includes it in turn"),
        (f"demo==1.0 --hash=sha256:{A}\n-c other.txt\n", "is 1.0 here and 2.0 at"),
        (f"demo==2.0 --hash=sha256:{B}\n-c other.txt\n", "no hash in common"),
        ("demo==\x1b[31m\n", "\\x1b"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, text, problem):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, other=f"demo==2.0 --hash=sha256:{A}\n")
    assert problem in str(caught.value)
    assert "requirements.txt" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_circle_of_two(tmp_path):
    with pytest.raises(InputError, match=r"other\.txt:1: includes requirements\.txt"):
        read(tmp_path, "-r other.txt\n", other="-r requirements.txt\n")


def test_bytes_that_are_not_text(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"\xff\xfe\x00zz")
    with pytest.raises(InputError, match="not a requirements file"):
        read_requirements(path)


def test_included_files_and_constraints(tmp_path):
    pins = read(
        tmp_path,
        "-r more.txt\n-c limits.txt\ndemo\n",
        more=f"extra==1.0 --hash=sha256:{B}\n",
        limits=f"demo==1.0 --hash=sha256:{A}\nunused==3.0 --hash=sha256:{C}\n",
    )
    assert [(pin.project, pin.version, pin.sha256) for pin in pins.pins] == [
        ("extra", "1.0", {B}),
        ("demo", "1.0", {A}),
    ]


def test_the_same_file_twice_is_one_set_of_pins(tmp_path):
    pins = read(tmp_path, "-r more.txt\n-r more.txt\n", more=f"extra==1.0 --hash=sha256:{B}\n")
    assert len(pins.pins) == 1


def test_markers_are_those_of_this_interpreter(tmp_path):
    pins = read(
        tmp_path,
        f'old==1.0 ; python_version < "3" --hash=sha256:{A}\nnew==1.0 ; python_version > "3" --hash=sha256:{B}\n',
    )
    assert [pin.project for pin in pins.pins] == ["new"]
    assert "its marker excludes this interpreter: old==1.0" in pins.notes[0]


def test_an_empty_file_has_no_pins(tmp_path):
    pins = read(tmp_path, "# nothing\n")
    assert not pins.pins
    assert not pins.unpinned


def test_wheels_and_directories(tmp_path):
    (tmp_path / WHEEL).write_bytes(wheel())
    (tmp_path / "demo-1.0.tar.gz").write_bytes(b"")
    (tmp_path / "notes.md").write_text("")
    pins = read_input(str(tmp_path))
    (pin,) = pins.pins
    assert (pin.filename, pin.project, pin.version) == (WHEEL, "demo", "1.0")
    assert pin.sha256 == {hashlib.sha256(wheel()).hexdigest()}
    assert [(item.text, item.kind) for item in pins.unpinned] == [("demo-1.0.tar.gz", "not-applicable")]
    assert read_inputs([str(tmp_path / WHEEL)] * 2).pins == (pin,)
    assert read_target(str(tmp_path / WHEEL)).sha256 in pin.sha256


def test_what_a_wheel_holds_is_digested_if_it_can_be_read(tmp_path):
    (tmp_path / WHEEL).write_bytes(wheel())
    held = strict.read_wheel(wheel())
    assert read_wheel(tmp_path / WHEEL).digests == (held.payload_digest, held.dist_info_digest)
    (tmp_path / WHEEL).write_bytes(b"no archive")
    assert read_wheel(tmp_path / WHEEL).digests is None


def test_a_wheel_with_another_kind_of_name(tmp_path):
    path = tmp_path / "demo.whl"
    path.write_bytes(wheel())
    with pytest.raises(InputError, match="not a wheel's file name"):
        read_wheel(path)


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "pylock.dev.toml", "thing.json"])
def test_kinds_that_are_not_supported(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(InputError) as caught:
        read_input(str(tmp_path / name))
    assert name in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("argument", ["missing.txt", "missing.whl"])
def test_files_that_are_not_there(tmp_path, argument):
    with pytest.raises(InputError, match="no such file"):
        read_input(str(tmp_path / argument))


@pytest.mark.parametrize("argument", ["sha256:", "sha256:" + "A" * 64, "demo==1.0"])
def test_targets_that_are_none(argument):
    with pytest.raises(InputError):
        read_target(argument)
