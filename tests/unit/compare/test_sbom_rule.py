"""SBOMs: the serial number and the time of the document, and nothing else."""
# ruff: noqa: E501 - a row of a table is a line

import json

import pytest

from tests.pairs import outcome, release, used

ONE, OTHER = "urn:uuid:11111111-2222-3333-4444-555555555555", "urn:uuid:aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
THEN, NOW = "2026-01-02T03:04:05Z", "2026-02-03T04:05:06.789+01:00"
COMPONENT = {"name": "lib", "version": "1.0", "licenses": [{"id": "MIT"}], "n": [1, 1.0, True, None]}


def document(serial=ONE, time=THEN, **changes):
    value = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": serial, "version": 1,
        "metadata": {"timestamp": time, "tools": []}, "components": [COMPONENT], **changes,
    }  # fmt: skip
    return json.dumps(value, indent=1).encode()


def equal(ours, theirs, name="sboms/demo.cdx.json"):
    return used(*(release(about={name: content}) for content in (ours, theirs)))


@pytest.mark.parametrize(
    "theirs", [document(OTHER, NOW), document(OTHER), document(time=NOW)], ids=["both", "serial", "time"]
)
def test_another_document_of_the_same(theirs):
    assert equal(document(), theirs) == {"sbom-serial@1"}
    pair = [release(about={"sboms/x.json": content}) for content in (document(), document(OTHER, NOW))]
    use = outcome(*pair).comparison.rules[1]
    assert (use.published, use.rebuilt) == (f"{ONE}, {THEN}", f"{OTHER}, {NOW}")


def text(**changes):
    """With `changes` of the text, in both documents alike."""
    made = [document(), document(OTHER, NOW)]
    for old, new in changes.values():
        assert old in made[0]
        made = [each.replace(old, new) for each in made]
    return made


DIFFERENT = {
    "another component": (document(), document(OTHER, components=[{**COMPONENT, "version": "1.1"}])),
    "a component less": (document(), document(OTHER, components=[])),
    "components in another order": (
        document(components=[COMPONENT, {}]), document(OTHER, components=[{}, COMPONENT])),
    "an integer for a number": (document(), document(OTHER).replace(b"1.0,", b"1,")),
    "a boolean for a number": (document(), document(OTHER).replace(b"true", b"1")),
    "another version of the document": (document(), document(OTHER, version=2)),
    "other white space": (document(), document(OTHER).replace(b"\n", b"\n ")),
    "an escape": (document(), document(OTHER).replace(b'"lib"', b'"\\u006cib"')),
    "no serial number": (document(), document(serialNumber=None)),
    "no time": (document(), document(OTHER, metadata={"tools": []})),
    "metadata of another kind": (document(metadata=[]), document(OTHER, metadata=[])),
    "not CycloneDX": (document(bomFormat="SPDX"), document(OTHER, bomFormat="SPDX")),
    "a serial number that is text": (document(), document("urn:uuid:evil")),
    "a serial number in capitals": (document(), document(OTHER.upper())),
    "a time that is text": (document(), document(time="yesterday")),
    "a time in other digits": (document(), document(time="\u0662026-01-02T03:04:05Z")),
    "the serial number elsewhere too": (document(evil=ONE), document(OTHER, evil=OTHER)),
    "the serial number elsewhere only": (document(evil=ONE), document(evil=OTHER)),
    "the time elsewhere too": (document(evil=THEN), document(time=NOW, evil=NOW)),
    "escaped, and bare elsewhere": (
        document(evil=ONE).replace(f'Number": "{ONE}'.encode(), f'Number": "\\u0075{ONE[1:]}'.encode()),
        document(evil=OTHER).replace(f'Number": "{OTHER}'.encode(), f'Number": "\\u0075{ONE[1:]}'.encode())),
    "a key twice": text(one=(b'"version": 1,', b'"version": 1, "version": 2,')),
    "the serial number twice": text(one=(b'"version": 1,', b'"version": 1, "serialNumber": "x",')),
    "NaN": text(one=(b"null", b"NaN")),
    "a comment": text(one=(b'"version": 1,', b'"version": 1, // x\n')),
    "bytes behind it": text(one=(b'"CycloneDX"', b'"CycloneDX"'), two=(b"]\n}", b"]\n} x")),
    "a list": (b"[" + document() + b"]", b"[" + document(OTHER) + b"]"),
    "a byte order mark": (b"\xef\xbb\xbf" + document(), b"\xef\xbb\xbf" + document(OTHER)),
    "not UTF-8": text(one=(b"lib", b"\xff")),
    "too deep": text(one=(b"null", b"[" * 70 + b"]" * 70)),
    "deeper than a reader goes": text(one=(b"null", b"[" * 100_000 + b"]" * 100_000)),
    "a number without end": text(one=(b'"version": 1,', b'"version": ' + b"9" * 10_000 + b",", ), two=(b'"lib"', b'"\xff"')),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), DIFFERENT.values(), ids=DIFFERENT)
def test_other_documents(ours, theirs):
    assert ours != theirs
    assert equal(ours, theirs) is None


def test_large_numbers_and_nesting_within_bounds():
    for value in (b"9" * 10_000, b"[" * 50 + b"]" * 50):
        assert equal(*text(one=(b"null", value))) == {"sbom-serial@1"}


@pytest.mark.parametrize("name", ["sboms.json", "sboms/x.xml", "x/sboms/x.json", "bom.json"])
def test_only_where_the_standard_puts_them(name):
    assert equal(document(), document(OTHER), name) is None


def test_too_large_to_judge():
    padded = [each + b" " * (4 * 1024 * 1024) for each in (document(), document(OTHER))]
    assert equal(*padded) is None
