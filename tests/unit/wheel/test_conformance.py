"""What a wheel gets wrong about itself: one fault each, and none in what honest tools have written."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest

from tests.wheels import DIST_INFO, FILENAME, FILES, METADATA, PAYLOAD, WHEEL, File, recorded, zip_of
from witness.names import WheelName
from witness.wheel.conformance import conformance
from witness.wheel.headers import read_headers
from witness.wheel.reader import read_wheel

NAME = WheelName.parse(FILENAME)
RECORD = FILES[-1].content.decode()
FIRST = RECORD.split("\n", 1)[0]
CONTENT = PAYLOAD[0].content


def digest(algorithm, content=CONTENT):
    return urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()


def wheel(*more, name=NAME, raw_record=None, **texts):
    """The kinds found in the honest wheel with other texts in `.dist-info` and `more` members; by path if not there."""
    told = {f"{DIST_INFO}/{member}": text for member, text in texts.items()}
    files = [
        replace(f, content=told.get(f.name, f.content)) for f in FILES if told.get(f.name, b"") is not None
    ]
    files = list(recorded((*files, *more)))
    if raw_record is not None:
        files = [replace(f, content=raw_record.encode()) if f.name.endswith("/RECORD") else f for f in files]
    return {(finding.path, finding.kind) for finding in conformance(read_wheel(zip_of(files)), name)}


def kinds(**given):
    return {kind for _, kind in wheel(**given)}


@pytest.mark.parametrize(
    "honest",
    [
        {},
        {"name": None},
        {"METADATA": METADATA.replace(b"\n", b"\r\n")},
        {"METADATA": METADATA + b"Classifier: a\nClassifier: b\nLicense: a\n        \n        b\n\nAbout.\n"},
        {"METADATA": METADATA + b"\n\nUsage\n\nName: a thing\n"},
        {"METADATA": METADATA.replace(b"demo", b"Demo").replace(b"1.0", b"1.0.0")},
        {"METADATA": METADATA.lower().replace(b"metadata-version", b"METADATA-VERSION")},
        {"METADATA": METADATA.removesuffix(b"\n")},
        {"WHEEL": WHEEL + b"\n"},
        {"WHEEL": WHEEL.replace(b"true", b"True")},
        {"WHEEL": WHEEL.replace(b"1.0", b"1.9")},
        {"raw_record": RECORD.replace("\n", "\r\n")},
        {"raw_record": "\n".join(reversed(RECORD.split("\n")[:-1]))},
        {"raw_record": RECORD.replace("demo/run.sh", '"demo/run.sh"')},
        {"raw_record": RECORD.replace(f"{DIST_INFO}/RECORD,,\n", "")},
        {"raw_record": RECORD.replace(FIRST, f"demo/__init__.py,sha512={digest('sha512')},240")},
        {"raw_record": RECORD.replace(FIRST, f"demo/__init__.py,sha384={digest('sha384')},240")},
        {"raw_record": RECORD + f"{DIST_INFO}/RECORD.jws,,\n", "more": [File(f"{DIST_INFO}/RECORD.jws", b"{}")]},
    ],
    ids=str,
)  # fmt: skip
def test_what_honest_tools_write_is_no_flaw(honest):
    assert wheel(*honest.pop("more", ()), **honest) == set()


def test_signatures_need_not_be_listed():
    files = (*FILES, *(File(f"{DIST_INFO}/{name}", b"x") for name in ("RECORD.jws", "RECORD.p7s")))
    assert conformance(read_wheel(zip_of(files)), NAME) == ()


@pytest.mark.parametrize(
    ("filename", "build"),
    [("demo-1.0-2-py3-none-any.whl", b"Build: 2\n"), ("demo-1.0-02x-py3-none-any.whl", b"Build: 2x\n")],
)
def test_a_build_tag_is_in_both_places(filename, build):
    name = WheelName.parse(filename)
    assert kinds(name=name, WHEEL=WHEEL + build) == set()
    assert kinds(name=name) == kinds(WHEEL=WHEEL + build) == {"wheel-build-differs"}
    assert kinds(name=name, WHEEL=WHEEL + b"Build: 3\n") == {"wheel-build-differs"}


RECORDS = {
    "record-omits-member": [RECORD.replace(FIRST + "\n", ""), ""],
    "record-lists-no-member": [RECORD + "demo/none.py,,\n", RECORD + "\ufeffx,,\n", RECORD + "../x,sha256=x,1\n"],
    "record-repeats": [RECORD + FIRST + "\n", RECORD + "demo/run.sh,,\n", RECORD + f"{DIST_INFO}/RECORD,,\n"],
    "record-wrong-size": [RECORD.replace(",240\n", ",241\n"), RECORD.replace(",240\n", ", 240\n"),
                          RECORD.replace(",240\n", ",0240\n"), RECORD.replace(",240\n", ",٢٤٠\n")],
    "record-without-size": [RECORD.replace(",240\n", ",\n")],
    "record-without-hash": [RECORD.replace(FIRST, "demo/__init__.py,,240")],
    "record-wrong-hash": [RECORD.replace(FIRST, f"demo/__init__.py,sha256={digest('sha256', b'x')},240"),
                          RECORD.replace(FIRST, f"demo/__init__.py,sha512={digest('sha256')},240"),
                          RECORD.replace(FIRST, "demo/__init__.py,sha256=,240")],
    "record-odd-hash": [RECORD.replace(FIRST, f"demo/__init__.py,sha256={digest('sha256')}=,240"),
                        RECORD.replace(FIRST, f"demo/__init__.py,SHA256={digest('sha256')},240"),
                        RECORD.replace(FIRST, f"demo/__init__.py,sha256={hashlib.sha256(CONTENT).hexdigest()},240")],
    "record-weak-hash": [RECORD.replace(FIRST, f"demo/__init__.py,{name}={digest(name)},240")
                         for name in ("md5", "sha1", "sha224")]
                        + [RECORD.replace(FIRST, "demo/__init__.py,x,240")],
    "record-hashes-itself": [RECORD.replace("/RECORD,,", "/RECORD,sha256=x,"),
                             RECORD.replace("/RECORD,,", "/RECORD,,5")],
    "record-unreadable": ["\n" * 9, "a,b\n", "a,b,c,d\n", '"', '"a"b,c,d\n', "a,,\n" * 2000, "x" * 200_000 + ",,\n"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "record"), [(kind, text) for kind, texts in RECORDS.items() for text in texts]
)
def test_what_a_record_gets_wrong(kind, record):
    assert kind in kinds(raw_record=record)


def test_a_record_that_is_not_there_or_no_text():
    assert wheel(RECORD=None) == {(f"{DIST_INFO}/RECORD", "record-missing")}
    files = [replace(file, content=b"\xff") if file.name.endswith("/RECORD") else file for file in FILES]
    (found,) = conformance(read_wheel(zip_of(files)), NAME)
    assert (found.path, found.kind) == (f"{DIST_INFO}/RECORD", "record-unreadable")


WHEELS = {
    "wheel-missing": [None],
    "wheel-too-large": [WHEEL + b"\n" * (4 << 20)],
    "wheel-not-utf8": [WHEEL + b"X: \xff\n"],
    "wheel-lone-carriage-return": [WHEEL + b"X: a\rTag: py2-none-any\n", WHEEL + b"X: a\r"],
    "wheel-odd-line": [WHEEL + b"no field\n", WHEEL + b": x\n", WHEEL + b"a b: c\n", b" x\n" + WHEEL],
    "wheel-fields-below-blank-line": [WHEEL + b"\nTag: py2-none-any\n", WHEEL + b"\n\nRoot-Is-Purelib: false\n"],
    "wheel-field-repeated": [WHEEL + b"Root-Is-Purelib: true\n", WHEEL + b"wheel-version: 1.0\n"],
    "wheel-unknown-version": [WHEEL.replace(b"1.0", b"2.0", 1), WHEEL.replace(b"Wheel-Version: 1.0\n", b""), b""],
    "wheel-root-is-purelib": [WHEEL.replace(b"true", b"yes"), WHEEL.replace(b"Root-Is-Purelib: true\n", b"")],
    "wheel-without-tags": [WHEEL.replace(b"Tag: py3-none-any\n", b"")],
    "wheel-malformed-tag": [WHEEL + b"Tag: py3-none\n", WHEEL + b"Tag: \n", WHEEL + b"Tag: 3-none-any\n",
                            WHEEL + b"Tag: py3-none-any" + b".a" * 40 + b"\n", WHEEL + b"Tag: py2-none-any\n" * 501],
    "wheel-tags-differ": [WHEEL + b"Tag: py2-none-any\n", WHEEL.replace(b"py3", b"py2"),
                          WHEEL.replace(b"py3", b"py2.py3")],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in WHEELS.items() for text in texts])
def test_what_a_wheel_file_gets_wrong(kind, text):
    assert (f"{DIST_INFO}/WHEEL", kind) in wheel(WHEEL=text)


METADATAS = {
    "metadata-missing": [None],
    "metadata-too-large": [METADATA + b"\n" * (4 << 20)],
    "metadata-too-many-fields": [METADATA + b"Classifier: x\n" * 20_000],
    "metadata-not-utf8": [METADATA + b"Summary: \xff\n", METADATA.decode().encode("utf-16")],
    "metadata-lone-carriage-return": [METADATA + b"Summary: a\rRequires-Dist: evil\n", METADATA + b"\nabout\rit\n"],
    "metadata-other-line-break": [METADATA + f"Summary: a{char}Name: b\n".encode() for char in "\x0b\x0c\x85\u2028"],
    "metadata-odd-line": [b"From x\n" + METADATA, b"\n: x\n"[1:] + METADATA, METADATA + "Ü: x\n".encode(),
                          b"\xef\xbb\xbf" + METADATA, METADATA + b"Summary: a\0b\n"],
    "metadata-fields-below-blank-line": [METADATA + b"\nRequires-Dist: evil\n", b"\n" + METADATA],
    "metadata-field-repeated": [METADATA + b"Name: demo\n", METADATA + b"version: 1.0\n", METADATA + b"X: 1\nx: 2\n"],
    "metadata-field-missing": [METADATA.replace(b"Name: demo\n", b""), METADATA.replace(b"Version: 1.0\n", b""), b""],
    "metadata-mime-field": [METADATA + b"Content-Type: multipart/mixed; boundary=x\n"],
    "metadata-of-another-release": [METADATA.replace(b"demo", b"other"), METADATA.replace(b"n: 1.0", b"n: 1.1"),
                                    METADATA.replace(b"n: 1.0", b"n: x"),
                                    METADATA.replace(b"n: 1.0", b"n: " + b"1" * 9999)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in METADATAS.items() for text in texts]
)
def test_what_metadata_gets_wrong(kind, text):
    for name in (NAME, None):
        assert (f"{DIST_INFO}/METADATA", kind) in wheel(METADATA=text, name=name)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("other-1.0.data/purelib/x.py", "data-of-another-name"),
        ("Demo-1.0.data/purelib/x.py", "data-of-another-name"),
        ("demo-1.0.data/include/x.h", "data-without-scheme"),
        ("demo-1.0.data/x.py", "data-without-scheme"),
        ("demo-1.0.data/purelib/other-1.0.dist-info/METADATA", "second-dist-info"),
        ("demo/aux.py", "device-name"),
        ("demo/NUL", "device-name"),
        ("demo/com1.tar.gz", "device-name"),
        ("con/x.py", "device-name"),
        (f"{DIST_INFO}/INSTALLER", "written-by-installer"),
        (f"{DIST_INFO}/direct_url.json", "written-by-installer"),
    ],
)
def test_members_out_of_place(path, kind):
    assert wheel(File(path, b"x")) == {(path, kind)}


@pytest.mark.parametrize(
    "path", ["demo-1.0.data/scripts/x", "demo-1.0.data/data/a/b", "demo/auxiliary.py", "demo.data"]
)
def test_members_in_their_place(path):
    assert wheel(File(path, b"x")) == set()


@pytest.mark.parametrize("filename", ["other-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl"])
def test_a_dist_info_of_another_release(filename):
    assert (DIST_INFO, "dist-info-of-another-release") in wheel(name=WheelName.parse(filename))


@pytest.mark.parametrize("stem", ["Demo_X-1.0+a_b", "demo.x-1.0+A.B", "demo-x-1.0_a.b"])
def test_older_spellings_of_a_release(stem):
    name = WheelName.parse("demo_x-1.0+a.b-py3-none-any.whl")
    metadata = METADATA.replace(b"demo", b"demo.x").replace(b"n: 1.0", b"n: 1.0+a.b")
    files = [replace(file, name=file.name.replace(DIST_INFO, f"{stem}.dist-info")) for file in FILES]
    files = [replace(file, content=metadata) if file.name.endswith("METADATA") else file for file in files]
    found = {finding.kind for finding in conformance(read_wheel(zip_of(files)), name)}
    assert not {kind for kind in found if not kind.startswith("record-")}


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        ("demo-1.0.data/purelib/a.py", "a.py", True),
        ("demo-1.0.data/purelib/demo/A.py", "demo/a.py", True),
        ("demo-1.0.data/purelib/a.py", "demo-1.0.data/platlib/a.py", True),
        ("demo-1.0.data/purelib/a.py", "demo-1.0.data/scripts/a.py", False),
        ("demo-1.0.data/purelib/a.py", "b.py", False),
    ],
)
def test_members_that_are_installed_to_one_path_are_ambiguous(one, other, collide):
    found = read_wheel(zip_of((File(one, b"x"), File(other, b"y"), *FILES))).findings
    assert [finding.kind for finding in found] == ["colliding-install-path"] * collide


def test_fields_are_read_as_written():
    headers = read_headers(b"A: 1 \nb:\t2\n  more\nA:\n\nbody: x\n")
    assert headers.fields == (("a", "1 "), ("b", "2\n  more"), ("a", ""))
    assert (headers.values("a"), headers.body, headers.faults) == (("1", ""), "body: x\n", ())
