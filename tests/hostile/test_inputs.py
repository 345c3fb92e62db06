# ruff: noqa: E501 - rows of tables are lines
"""Lock files, requirements and SBOMs that are damaged or hostile: one clear line that names the file, or a class; no traceback."""

import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.mangling import flips, prefixes
from tests.unit.pins import locks
from tests.unit.pins.locks import INDEX, WHEEL, A
from witness.cli.main import app
from witness.errors import InputError
from witness.pins import document, pipfile_lock, requirements
from witness.pins.detect import Reading, read_input
from witness.pins.formats import FORMATS
from witness.pins.target import target_of

UV, PYLOCK, POETRY, PDM = locks.uv(), locks.pylock(), locks.poetry(), locks.pdm()
PIPFILE, CDX, SPDX = locks.pipfile(), locks.cyclonedx(), locks.spdx()
REQ = f"demo==1.0 --hash=sha256:{A}\n"
EVIL = "evil\\u001b[31m\\u202e"


def hashed(text, value):
    return text.replace(A, value)


def component(**keys):
    return locks.cyclonedx(
        {"type": "library", "name": "demo", "version": "1.0", "purl": "pkg:pypi/demo@1.0", **keys}
    )


REFUSED = {
    # what is no text
    "empty": ("uv.lock", "", "empty"),
    "blank": ("poetry.lock", " \n\n", "empty"),
    "NUL": ("uv.lock", UV + "\0", ": holds a NUL byte"),
    "NUL in the middle": ("Pipfile.lock", PIPFILE.replace("demo", "de\0mo"), ":12: holds a NUL byte"),
    "UTF-8 mark": ("uv.lock", b"\xef\xbb\xbf" + UV.encode(), ":1: begins with a byte order mark (UTF-8)"),
    "UTF-16": ("pdm.lock", PDM.encode("utf-16"), "byte order mark (UTF-16)"),
    "UTF-16 without a mark": ("Pipfile.lock", PIPFILE.encode("utf-16-le"), "NUL byte"),
    "UTF-32": ("demo.cdx.json", CDX.encode("utf-32"), "byte order mark"),
    "Latin-1": ("poetry.lock", POETRY.encode() + b"# caf\xe9\n", ": not UTF-8"),
    "half a character": ("uv.lock", UV.encode() + b"# \xe2\x82", ": not UTF-8"),
    "a surrogate in JSON": ("Pipfile.lock", PIPFILE.replace("demo", "\\ud800"), "surrogate"),
    # what is not of the syntax
    "truncated TOML": ("uv.lock", UV[:-20], "not valid TOML"),
    "truncated JSON": ("Pipfile.lock", PIPFILE[:-20], "not valid JSON"),
    "YAML for JSON": ("demo.cdx.json", "bomFormat: CycloneDX\ncomponents:\n  - x\n", "not valid TOML"),
    "JSON for TOML": ("uv.lock", PIPFILE, "version: missing"),
    "TOML for JSON": ("Pipfile.lock", UV, "pipfile-spec"),
    "XML": ("bom.json", "<?xml version='1.0'?><bom/>", "not valid TOML"),
    "a list": ("Pipfile.lock", "[]", "Pipfile.lock"),
    "a number": ("Pipfile.lock", "1", "Pipfile.lock"),
    "two documents": ("Pipfile.lock", PIPFILE + PIPFILE, "not valid JSON"),
    "comments in JSON": ("Pipfile.lock", "{ // x\n}", "not valid JSON"),
    "NaN": ("demo.cdx.json", '{"bomFormat": "CycloneDX", "specVersion": NaN}', "NaN"),
    "a key twice in TOML": ("uv.lock", UV.replace("version = 1\n", "version = 1\nversion = 1\n"), "not valid TOML"),
    "a key twice in JSON": ("Pipfile.lock", '{"_meta": {}, "_meta": {}}', "the same key twice"),
    "a package twice in JSON": ("Pipfile.lock", PIPFILE.replace('"demo": {', '"demo": {}, "demo": {'), "the same key twice"),
    "deep lists in TOML": ("uv.lock", "x = " + "[" * 20_000, "nested too deeply"),
    "deep tables in TOML": ("uv.lock", UV + "[" + "a." * 20_000 + "a]\n", "a key of 40 parts or more"),
    "deep keys in TOML": ("uv.lock", UV + '"a b" . ' * 20_000 + "a = 1\n", "a key of 40 parts or more"),
    "deep lists in JSON": ("demo.cdx.json", '{"x":' + "[" * 100_000, "nested too deeply"),
    "deep objects in JSON": ("demo.spdx.json", '{"x":' * 60 + "1" + "}" * 60, "nested too deeply"),
    "deep components": ("bom.json", '{"bomFormat":"CycloneDX","specVersion":"1.6",' + '"components":[{"name":"x","type":"file",' * 30 + '"a":1' + "}]" * 30 + "}", "nested too deeply"),
    "a huge number in TOML": ("uv.lock", UV.replace("version = 1\n", f"version = {'9' * 9999}\n"), "not valid TOML"),
    "a huge number in JSON": ("Pipfile.lock", PIPFILE.replace(": 6", f": {'9' * 9999}"), "not valid JSON"),
    "a number beyond doubles": ("Pipfile.lock", PIPFILE.replace(": 6", ": 1e999"), "too large for a double"),
    # versions
    "uv of another version": ("uv.lock", UV.replace("version = 1\n", "version = 2\n"), "version: this program reads version 1, not 2"),
    "uv of a float": ("uv.lock", UV.replace("version = 1\n", "version = 1.0\n"), "version: missing, or not a whole number"),
    "uv of true": ("uv.lock", UV.replace("version = 1\n", "version = true\n"), "version: missing, or not a whole number"),
    "pylock of another version": ("pylock.toml", PYLOCK.replace('"1.0"\ncreated', '"1.1"\ncreated'), "lock-version: this program reads 1.0, not 1.1"),
    "pylock without a version": ("pylock.toml", locks.pylock(head='created-by = "x"\n'), "lock-version: missing"),
    "poetry of another version": ("poetry.lock", locks.poetry(version="3.0"), "not 3.0"),
    "poetry without metadata": ("poetry.lock", "[[package]]\n", "not none"),
    "pdm of another version": ("pdm.lock", locks.pdm(version="5.0"), "not 5.0"),
    "pdm of a hostile version": ("pdm.lock", locks.pdm(version=EVIL), "not evil\\x1b[31m\\u202e"),
    "Pipfile of another version": ("Pipfile.lock", locks.pipfile(spec=7), "not 7"),
    "CycloneDX of another version": ("bom.json", locks.cyclonedx(version="2.0"), "not 2.0"),
    "SPDX of another version": ("x.spdx.json", locks.spdx(version="SPDX-3.0"), "not SPDX-3.0"),
    # types
    "packages are a table": ("uv.lock", "version = 1\n[package]\nname = 'x'\n", "package: not a list of tables"),
    "a package is a string": ("uv.lock", "version = 1\npackage = ['x']\n", "package: not a list of tables"),
    "a name is a number": ("uv.lock", UV.replace('name = "demo"', "name = 7"), ":4: package[1].name: not a string"),
    "no name": ("pdm.lock", PDM.replace('name = "demo"\n', ""), ":4: package[1].name: missing"),
    "no version": ("poetry.lock", POETRY.replace('version = "1.0"\n', ""), "package[1].version: missing"),
    "no source": ("uv.lock", UV.replace("source =", "sauce ="), ":4: package[1].source: missing"),
    "an empty source": ("uv.lock", locks.uv(source=""), ":4: package[1].source: missing"),
    "a source of an unknown kind": ("uv.lock", locks.uv(source='ipfs = "x"'), ":4: package[1].source.registry: missing"),
    "poetry's source of an unknown kind": ("poetry.lock", locks.poetry(source='[package.source]\ntype = "ipfs"\nurl = "x"\n'), "no such kind of source: ipfs"),
    "a source of two kinds": ("uv.lock", locks.uv(source=f'registry = "{INDEX}", virtual = "."'), ":4: package[1].source: several at once: registry, virtual"),
    "poetry's source by Mercurial, which Poetry has not": ("poetry.lock", locks.poetry(source='[package.source]\ntype = "hg"\nurl = "x"\n'), "no such kind of source: hg"),
    "poetry's files in two spellings": ("poetry.lock", locks.poetry(version="1.1", body="", end=f'\n[metadata.files]\ndemo = [{{file = "{WHEEL}", hash = "sha256:{A}"}}]\nDemo = []\n'), "metadata.files.Demo: the same project twice"),
    "editable, from nowhere": ("Pipfile.lock", locks.pipfile(entry={"editable": True}), "version: not one version (==): none"),
    "a path that is none": ("Pipfile.lock", locks.pipfile(entry={"path": True}), "path: not a string"),
    "a component without a name": ("bom.json", locks.cyclonedx({"type": "library", "name": ""}), "name: empty"),
    "files are a string": ("poetry.lock", locks.poetry(body='files = "x"\n'), ":1: package[1].files: not a list of tables"),
    "a hash is a number": ("pdm.lock", locks.pdm(body='files = [{file = "x.whl", hash = 1}]\n'), "hash: not a string"),
    "no hash": ("pdm.lock", locks.pdm(body='files = [{file = "x.whl"}]\n'), "hash: missing"),
    "hashes are no strings": ("Pipfile.lock", locks.pipfile(entry={"version": "==1.0", "hashes": [1]}), "hashes: not a list of strings"),
    "an entry is a list": ("Pipfile.lock", locks.pipfile(entry=[]), "default.demo: not a table"),
    "an entry is null": ("Pipfile.lock", PIPFILE.replace('"demo": {', '"other": null, "demo": {'), "default.other: not an object"),
    "an index that is none": ("Pipfile.lock", locks.pipfile(entry={"version": "==1.0", "hashes": [], "index": "nowhere"}), "index: no such source: nowhere"),
    "components are an object": ("bom.json", CDX.replace("[", '{"x":[', 1).rsplit("]", 1)[0] + "]}}", "components"),
    "pylock's own checks": ("pylock.toml", PYLOCK.replace(f'index = "{INDEX}"', "index = 1"), "packages[0].index"),
    "pylock's name not normalised": ("pylock.toml", PYLOCK.replace('"demo"', '"De_mo"'), "is not normalized"),
    "pylock of both kinds": ("pylock.toml", PYLOCK + 'vcs = { type = "git", url = "x", commit-id = "0" }\n', "packages[0]"),
    # hashes
    "a short hash": ("uv.lock", hashed(UV, A[:-1]), ":9: not a SHA-256 digest"),
    "a long hash": ("uv.lock", hashed(UV, A + "a"), ":9: not a SHA-256 digest"),
    "an upper-case hash": ("poetry.lock", hashed(POETRY, A.upper()), ":5: not a SHA-256 digest"),
    "a hash that is no hex": ("pdm.lock", hashed(PDM, "g" * 64), ":8: not a SHA-256 digest"),
    "a hash in other digits": ("pdm.lock", hashed(PDM, "\N{ARABIC-INDIC DIGIT ONE}" * 64), ":8: not a SHA-256 digest"),
    "a hash with a blank": ("Pipfile.lock", hashed(PIPFILE, " " + A), "not a SHA-256 digest"),
    "a hash with a line feed": ("Pipfile.lock", hashed(PIPFILE, A + "\\n"), "not a SHA-256 digest"),
    "a hash without its algorithm": ("poetry.lock", POETRY.replace("sha256:", ""), "not a hash with its algorithm"),
    "an empty hash": ("pdm.lock", hashed(PDM, ""), "not a SHA-256 digest"),
    "a hash that is a path": ("bom.json", hashed(CDX, "../../etc/passwd"), "not a SHA-256 digest"),
    "SPDX with two": ("x.spdx.json", locks.spdx({"name": "d", "checksums": [{"algorithm": "SHA256", "checksumValue": c * 64} for c in "ab"], "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/d@1"}]}), "several values of SHA256"),
    # names and versions
    "a name that is a path": ("uv.lock", UV.replace('"demo"', '"../demo"'), "not a project's name: ../demo"),
    "a name with control characters": ("uv.lock", UV.replace('"demo"', f'"{EVIL}"'), "not a project's name: evil\\x1b"),
    "a name with a NUL": ("Pipfile.lock", PIPFILE.replace("demo", "de\\u0000mo"), "not a project's name: de\\x00mo"),
    "a name of other letters": ("pdm.lock", PDM.replace('"demo"', '"d\N{CYRILLIC SMALL LETTER IE}mo"'), "not a project's name"),
    "an endless name": ("pdm.lock", PDM.replace('"demo"', '"' + "a " * 9999 + '"'), "more characters)"),
    "an empty name": ("pdm.lock", PDM.replace('"demo"', '""'), "not a project's name"),
    "a version that is none": ("pdm.lock", PDM.replace('"1.0"', '"one"'), "not a version: one"),
    "a version with a path": ("poetry.lock", POETRY.replace('"1.0"', '"1.0/../.."'), "not a version"),
    "a wild version": ("Pipfile.lock", PIPFILE.replace("==1.0", "*"), "not one version (==)"),
    "an open version": ("Pipfile.lock", PIPFILE.replace("==1.0", ">=1.0"), "not one version (==)"),
    "a wheel of another package": ("uv.lock", UV.replace(f"/{WHEEL}", "/evil-1.0-py3-none-any.whl"), ":9: evil-1.0-py3-none-any.whl is not a wheel of demo==1.0"),
    "a wheel of another version": ("pdm.lock", PDM.replace(WHEEL, "demo-1.1-py3-none-any.whl"), "is not a wheel of demo==1.0"),
    "a wheel named as none is": ("poetry.lock", POETRY.replace(WHEEL, "demo.whl"), ":5: 'demo.whl' is not a wheel's file name"),
    "a wheel with a path": ("poetry.lock", POETRY.replace(WHEEL, f"../{WHEEL}"), "holds no path"),
    "a wheel with an encoded path": ("uv.lock", UV.replace(f"/{WHEEL}", f"/..%2F{WHEEL}"), "holds no path"),
    "a wheel with control characters": ("poetry.lock", POETRY.replace(WHEEL, f"{EVIL}.whl"), "not a distribution's file name"),
    "an sdist among uv's wheels": ("uv.lock", UV.replace(WHEEL, "demo-1.0.tar.gz"), ":9: among wheels, and not a wheel: demo-1.0.tar.gz"),
    "an sdist among pylock's wheels": ("pylock.toml", PYLOCK.replace(WHEEL, "demo-1.0.tar.gz"), "Invalid wheel filename 'demo-1.0.tar.gz'"),
    "a wheel without a name": ("uv.lock", UV.replace(f"/{WHEEL}", "/"), ":9: among wheels, and not a wheel: a file without a name"),
    "a purl that is none": ("bom.json", component(purl="pypi/demo@1.0"), "not a package URL: pypi/demo@1.0"),
    "a purl without a name": ("bom.json", component(purl="pkg:pypi"), "without type or name"),
    "a purl without a version": ("bom.json", component(purl="pkg:pypi/demo"), "purl: names no version"),
    "a purl with a namespace": ("bom.json", component(purl="pkg:pypi/a/demo@1.0"), "not a project's name: a/demo"),
    "a purl that never ends": ("bom.json", component(purl="pkg:pypi/" + "a" * 5000), "not a package URL"),
    "a purl of many qualifiers": ("bom.json", component(purl="pkg:pypi/demo@1.0?" + "&".join(f"a{i}=b" for i in range(99))), "qualifiers"),
    "SPDX with two purls": ("x.spdx.json", locks.spdx({"name": "d", "externalRefs": [{"referenceType": "purl", "referenceLocator": f"pkg:pypi/{n}@1"} for n in "ab"]}), "several package URLs"),
    # requirements
    "a requirement that is none": ("r.txt", "demo==1.0\n??? what\n", ":2: not a requirement"),
    "a shell command": ("r.txt", "$(touch x)\n", ":1: not a requirement"),
    "an unknown option": ("r.txt", "--no-such-option\n", ":1: not a requirement"),
    "a short hash of a requirement": ("r.txt", REQ.replace(A, A[:-1]), ":1: not a SHA-256 digest"),
    "an include that is not there": ("r.txt", "-r x.txt\n", ":1: includes x.txt: no such file"),
    "an include of itself": ("r.txt", "-r ./r.txt\n", ":1: includes ./r.txt, which includes it in turn"),
    "an include that no file can be": ("r.txt", f"-r {'x' * 300}\n", ":1: includes xxx"),
    "an include by the network": ("r.txt", "-r https://x.example/r.txt\n", "which is not fetched"),
    "an include of a directory": ("r.txt", "-r .\n", "no such file"),
    "an include of a device": ("r.txt", "-c /dev/zero\n", "no such file"),
    "a requirement of another file": ("r.txt", f"x @ https://files.example/{WHEEL} --hash=sha256:{A}\n", "is not a wheel of x"),
    "control characters in a requirement": ("r.txt", "demo==\x1b[31m\n", "\\x1b"),
    "an encoding that is none": ("r.txt", "# -*- coding: no-such -*-\n" + REQ, "not a requirements file"),
    "bytes that are not text": ("r.txt", b"\xff\xfe\x00zz", "not a requirements file"),
    "no known kind": ("thing", "what is this?", "not a kind of file that can be checked"),
    "no known kind of JSON": ("thing.json", "{}", "not a kind of file that can be checked"),
    "a wheel's name alone": ("demo.whl", "x", "not a wheel's file name"),
}  # fmt: skip


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_there_are_enough_of_them():
    assert len(REFUSED) >= 100


@pytest.mark.parametrize(("name", "content", "problem"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line(tmp_path, monkeypatch, name, content, problem):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, name, content)
    result = CliRunner().invoke(app, ["check", name], env={"WHEELWITNESS_POLICY": "none.toml"})
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    first, *hints = result.stderr.splitlines()
    assert problem in first
    assert name in first or problem.startswith("not a wheel")
    assert len(first) < 800
    assert len(hints) <= 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.stderr)


def test_loops_of_links(tmp_path):
    (tmp_path / "a.txt").symlink_to("b.txt")
    (tmp_path / "b.txt").symlink_to("a.txt")
    for argument in ("a.txt", "-r"):
        path = str(tmp_path / argument)
        if argument == "-r":
            path = write(tmp_path, "r.txt", "-r a.txt\n")
        with pytest.raises(InputError, match="no such file"):
            read_input(path)


def test_an_include_by_way_of_a_link_is_a_circle(tmp_path):
    write(tmp_path, "r.txt", "-r link.txt\n")
    (tmp_path / "link.txt").symlink_to("r.txt")
    with pytest.raises(InputError, match="which includes it in turn"):
        read_input(str(tmp_path / "r.txt"))


@pytest.mark.parametrize("line", ["-r no.txt", "demo==1.0 --hash=sha256:x", f"x @ https://f.example/{WHEEL} --hash=sha256:{A}"])  # fmt: skip
def test_the_name_of_an_included_file_is_data(tmp_path, line):
    write(tmp_path, "\x1b[31m.txt", line + "\n")
    with pytest.raises(InputError, match=r"/\\x1b\[31m\.txt:1: ") as caught:
        read_input(write(tmp_path, "r.txt", "-r \x1b[31m.txt\n"))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "pylock.toml", "pdm.lock", "Pipfile.lock"])
def test_markers_of_many_brackets(tmp_path, name):
    deep = "(" * 3000 + "python_version > '3'" + ")" * 3000
    text = {
        "uv.lock": UV.replace("source =", f'resolution-markers = ["{deep}"]\nsource ='),
        "poetry.lock": locks.poetry(source=f'markers = "{deep}"\n'),
        "pylock.toml": locks.pylock(marker=f'marker = "{deep}"\n'),
        "pdm.lock": PDM.replace("files =", f'marker = "{deep}"\nfiles ='),
        "Pipfile.lock": locks.pipfile(entry={"hashes": [f"sha256:{A}"], "version": "==1.0", "markers": deep}),
    }[name]
    with pytest.raises(InputError, match="recursion"):
        read_input(write(tmp_path, name, text), Reading(target_of("3.12", "win_amd64")))


def test_keys_that_cannot_be_found_are_not_looked_for_again(tmp_path):
    """Each search to the end of the file would take hours for 100000 of them."""
    entries = ",".join(
        f'"\\u0061{n}": {{"version": "==1.0", "hashes": ["sha256:{A}"]}}' for n in range(20_000)
    )
    text = f'{{"_meta": {{"pipfile-spec": 6}},\n"default": {{{entries}}}}}'
    pins = read_input(write(tmp_path, "Pipfile.lock", text)).pins
    assert len(pins) == 20_000
    assert {pin.origin.line for pin in pins} == {2}


def test_includes_that_multiply(tmp_path):
    for level in range(12):
        write(tmp_path, f"r{level}.txt", f"-r r{level + 1}.txt\n" * 2)
    write(tmp_path, "r12.txt", REQ)
    with pytest.raises(InputError, match="more than the 200 included files"):
        read_input(str(tmp_path / "r0.txt"))


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "uv.lock")
    with pytest.raises(InputError, match="not a regular file"):
        read_input(str(tmp_path / "uv.lock"))
    for name in ("\0.lock", "x" * 5000):
        with pytest.raises(InputError):
            read_input(name)


def test_files_that_are_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MAX_DOCUMENT", 100)
    monkeypatch.setattr(requirements, "MAX_FILE", 100)
    for name, text in locks.EACH.items():
        with pytest.raises(InputError, match="more than the 100 bytes"):
            read_input(write(tmp_path, name, text))
    with pytest.raises(InputError, match="larger than any"):
        read_input(write(tmp_path, "r.txt", REQ * 9))


def test_more_entries_than_a_lock_has(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MAX_ENTRIES", 1)
    monkeypatch.setattr(pipfile_lock, "MAX_ENTRIES", 1)
    with pytest.raises(InputError, match="more than the 1 entries"):
        read_input(
            write(tmp_path, "Pipfile.lock", PIPFILE.replace('"demo": {', '"x": {"path": "."}, "demo": {'))
        )
    with pytest.raises(InputError, match="more than the 1 entries"):
        read_input(
            write(
                tmp_path, "uv.lock", UV + '[[package]]\nname = "b"\nversion = "1"\nsource = {virtual="."}\n'
            )
        )


def test_a_wheel_piped_in(tmp_path):
    with pytest.raises(InputError, match="a wheel has no name here"):
        read_input("-", Reading(stdin=lambda _: b"PK\x03\x04"))


def test_standard_input_is_bounded():
    asked = []

    def endless(limit):
        asked.append(limit)
        return b"#" * limit

    with pytest.raises(InputError, match="more than the"):
        read_input("-", Reading(stdin=endless, format="uv.lock"))
    assert asked == [document.MAX_DOCUMENT + 1]


@pytest.mark.parametrize("name", ["no-such", "", "requirements.txt", "\x1b"])
def test_formats_that_are_none(tmp_path, name):
    with pytest.raises(InputError, match="--input-format: no such format") as caught:
        read_input(write(tmp_path, "x", UV), Reading(format=name))
    assert "\x1b" not in str(caught.value)


def test_headers_inside_strings_do_not_mislead(tmp_path):
    text = UV.replace("[[package]]", 'x = """\n[[package]]\n"""\n[[package]]')
    (pin,) = read_input(write(tmp_path, "uv.lock", text)).pins
    assert pin.origin.line == 12


@pytest.mark.parametrize("name", locks.EACH)
def test_cut_and_flipped(tmp_path, name):
    """Whatever it has become, it is read as a lock file is, or refused."""
    whole = locks.EACH[name].encode()
    full = read_input(write(tmp_path, name, whole))
    refusals = []
    for data in (*prefixes(whole), *flips(whole)):
        try:
            pins = read_input(write(tmp_path, name, data), Reading(target_of("3.12", "win_amd64")))
        except InputError as error:
            refusals.append(str(error))
        else:
            assert len(pins.pins) + len(pins.unpinned) <= len(full.pins) + 1
    assert refusals
    assert not [text for text in refusals if name not in text or "\n" in text]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["_meta", "default", "components", "packages", "purl", "hashes", "name", "version", "type", "specVersion", "pipfile-spec", "checksums", "externalRefs"]), inner, max_size=4), max_leaves=20))  # fmt: skip
def test_any_json(value):
    top = {"bomFormat": "CycloneDX", "specVersion": "1.6", "spdxVersion": "SPDX-2.3"}
    for item in FORMATS:
        if item.syntax == "json":
            meta = {"_meta": {"pipfile-spec": 6, "sources": []}} if item.name == "Pipfile.lock" else {}
            key = {"Pipfile.lock": "default", "CycloneDX": "components", "SPDX": "packages"}[item.name]
            data = json.dumps({**top, **meta, key: value}).encode()
            try:
                locked = item.parse(document.Document("x", data))
            except InputError:
                continue
            assert all(release.project for release in locked.releases)
