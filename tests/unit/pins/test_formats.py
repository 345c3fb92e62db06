# ruff: noqa: E501 - rows of tables are lines
"""Every format of lock file and SBOM: what is told apart, what is a pin, what is classed, and where it stands."""

import json

import pytest

from tests.unit.pins import locks
from tests.unit.pins.locks import INDEX, LINUX, PUBLIC, SDIST, WHEEL, WINDOWS, A, B, C
from witness.errors import InputError
from witness.pins.detect import Reading, read_input
from witness.pins.formats import FORMATS, NAMES
from witness.pins.public import PublicIndexes, screened
from witness.pins.target import target_of

NAMED = {
    "uv.lock": ("uv.lock", "1 (revision 3)"),
    "pylock.toml": ("pylock.toml", "1.0"),
    "poetry.lock": ("poetry.lock", "2.1"),
    "pdm.lock": ("pdm.lock", "4.5.0"),
    "Pipfile.lock": ("Pipfile.lock", "6"),
    "demo.cdx.json": ("CycloneDX", "1.6"),
    "demo.spdx.json": ("SPDX", "2.3"),
}


def read(tmp_path, name, text, **how):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_input(str(path), Reading(**how))


def asked_about(pins):
    return screened(pins, PublicIndexes(PUBLIC))


def test_the_small_locks_are_of_every_format():
    assert {NAMED[name][0] for name in locks.EACH} == {item.name for item in FORMATS}


@pytest.mark.parametrize("name", locks.EACH)
def test_a_pin_by_name_and_by_content_and_by_force(tmp_path, name):
    text, (format_, version) = locks.EACH[name], NAMED[name]
    for pins in (
        read(tmp_path, name, text),
        read(tmp_path, "something", text),
        read(tmp_path, "something.txt", text, format=format_.upper()),
        read_input("-", Reading(stdin=lambda _: text.encode())),
    ):
        (pin,) = asked_about(pins).pins
        assert (pin.project, pin.version, pin.sha256) == ("demo", "1.0", {A})
        named = format_ not in ("Pipfile.lock", "CycloneDX")
        assert pin.filename == (WHEEL if named else None)
        (told,) = pins.inputs
        assert (told.format, told.version) == (format_, version)
        assert told.file in str(pin.origin)
        place = "default" if format_ == "Pipfile.lock" else A
        at = "demo" if format_ == "Pipfile.lock" else A
        assert pin.origin.line == 1 + text[: text.index(at, text.index(place))].count("\n")


def test_pylock_of_a_name(tmp_path):
    assert read(tmp_path, "pylock.dev.toml", locks.pylock()).inputs[0].format == "pylock.toml"


def test_every_wheel_is_a_pin_and_the_sdist_beside_them_a_note(tmp_path):
    pins = read(tmp_path, "uv.lock", locks.uv([(SDIST, C), (LINUX, A), (WINDOWS, B)]))
    assert [(pin.filename, pin.sha256) for pin in pins.pins] == [(LINUX, {A}), (WINDOWS, {B})]
    assert [pin.origin.line for pin in pins.pins] == [10, 11]
    assert not pins.unpinned
    assert pins.notes == (f"{tmp_path}/uv.lock:8: left out, not a wheel: {SDIST}",)


def test_an_sdist_alone_is_not_applicable(tmp_path):
    pins = read(tmp_path, "uv.lock", locks.uv([(SDIST, C)]))
    (entry,) = pins.unpinned
    assert (entry.text, entry.kind, entry.origin.line) == (SDIST, "not-applicable", 8)
    assert "built where it is installed" in entry.reason


def test_only_what_an_environment_takes(tmp_path):
    text = locks.uv([(SDIST, C), (LINUX, A), (WINDOWS, B)])
    for python, platform, files in (
        ("3.12", "manylinux_2_28_x86_64", [LINUX]),
        ("3.12", "manylinux2014_x86_64", [LINUX]),
        ("3.12", "win_amd64", [WINDOWS]),
    ):
        pins = read(tmp_path, "uv.lock", text, target=target_of(python, platform))
        assert [pin.filename for pin in pins.pins] == files
        assert any("1 wheel that is not for Python 3.12 on" in note for note in pins.notes)
    for python, platform in (("3.11", "win_amd64"), ("3.12", "manylinux_2_12_x86_64")):
        pins = read(tmp_path, "uv.lock", text, target=target_of(python, platform))
        assert not pins.pins
        assert [(entry.text, entry.kind) for entry in pins.unpinned] == [(SDIST, "not-applicable")]
    pins = read(tmp_path, "uv.lock", locks.uv([(WINDOWS, B)]), target=target_of("3.12", "macosx_14_0_arm64"))
    assert [(entry.text, entry.kind) for entry in pins.unpinned] == [("demo==1.0", "error")]


MARKED = {
    "pylock.toml": locks.pylock(marker="marker = \"sys_platform == 'win32'\"\n"),
    "poetry.lock": locks.poetry(source="markers = \"sys_platform == 'win32'\"\n"),
    "by group": locks.poetry(source="markers = {main = \"sys_platform == 'win32'\", dev = \"python_version < '3'\"}\n"),
    "pdm.lock": locks.pdm().replace("files", "marker = \"sys_platform == 'win32'\"\nfiles"),
    "Pipfile.lock": locks.pipfile(
        entry={"hashes": [f"sha256:{A}"], "version": "==1.0", "markers": "sys_platform == 'win32'"}
    ),
    "uv.lock": locks.uv().replace("source", "resolution-markers = [\"sys_platform == 'win32'\"]\nsource"),
}  # fmt: skip


@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_markers_count_for_an_environment_that_was_named(tmp_path, text):
    assert len(read(tmp_path, "some.lock", text).pins) == 1
    assert len(read(tmp_path, "some.lock", text, target=target_of("3.12", "win_amd64")).pins) == 1
    pins = read(tmp_path, "some.lock", text, target=target_of("3.12", "manylinux_2_28_x86_64"))
    assert not pins.pins
    assert "its marker excludes Python 3.12 on manylinux_2_28_x86_64: demo==1.0" in pins.notes[0]


def test_markers_of_extras_and_groups_narrow_nothing(tmp_path):
    text = locks.poetry(source="markers = \"extra == 'x'\"\n")
    assert len(read(tmp_path, "poetry.lock", text, target=target_of("3.12", "win_amd64")).pins) == 1


def test_the_running_environment(tmp_path):
    text = locks.uv([(WHEEL, A), ("demo-1.0-cp27-cp27m-win32.whl", B)])
    pins = read(tmp_path, "uv.lock", text, target=target_of("current", None))
    assert [pin.filename for pin in pins.pins] == [WHEEL]


@pytest.mark.parametrize(
    ("python", "platform"),
    [
        ("3", None),
        ("2.7", None),
        ("3.12.1", None),
        (None, "linux"),
        (None, "macosx_14_0"),
        ("\x1b", None),
        (None, ""),
    ],
)
def test_environments_that_are_none(python, platform):
    with pytest.raises(InputError, match=r"--(python|platform): not a ") as caught:
        target_of(python, platform)
    assert "\x1b" not in str(caught.value)


def cdx(**keys):
    return locks.cyclonedx({"type": "library", "name": "demo", "version": "1.0", **keys})


NOT_FROM_AN_INDEX = {
    "uv git": (locks.uv([], source='git = "https://git.example/x?rev=1#abc"'), "version control"),
    "uv editable": (locks.uv([], source='editable = "."'), "editable"),
    "uv directory": (locks.uv([], source='directory = "x"'), "directory"),
    "uv path": (locks.uv([], source='path = "x.whl"'), "path"),
    "uv without a version": (locks.uv([], source='editable = "."').replace('version = "1.0"\n', ""), "editable"),
    "pylock vcs": (locks.pylock(index="", body='vcs = { type = "git", url = "https://git.example/x", commit-id = "0" }\n'), "version control"),
    "pylock directory": (locks.pylock(index="", body='directory = { path = "x", editable = true }\n'), "directory"),
    "pylock archive path": (locks.pylock(index="", body=f'archive = {{ path = "x.zip", hashes = {{ sha256 = "{A}" }} }}\n'), "path"),
    "poetry git": (locks.poetry(body="files = []\n", source='[package.source]\ntype = "git"\nurl = "https://git.example/x"\n'), "version control"),
    "poetry directory": (locks.poetry(body="files = []\n", source='[package.source]\ntype = "directory"\nurl = "x"\n'), "directory"),
    "poetry url": (locks.poetry(source='[package.source]\ntype = "url"\nurl = "https://x.example/x.whl"\n'), "address of its own"),
    "pdm git": (locks.pdm(body='git = "https://git.example/x"\nrevision = "0"\n'), "version control"),
    "pdm path": (locks.pdm(body='path = "./x"\n'), "path"),
    "pdm url": (locks.pdm(body='url = "https://x.example/x.whl"\n'), "address of its own"),
    "Pipfile git": (locks.pipfile(entry={"git": "https://git.example/x", "ref": "0"}), "version control"),
    "Pipfile path": (locks.pipfile(entry={"path": "."}), "path"),
    "Pipfile editable": (locks.pipfile(entry={"editable": True, "path": "."}), "editable"),
    "CycloneDX without purl": (cdx(), "no package URL"),
    "CycloneDX vcs": (cdx(purl="pkg:pypi/demo@1.0?vcs_url=git%2Bhttps://git.example/x"), "version control"),
    "SPDX without purl": (locks.spdx({"name": "demo", "versionInfo": "1.0"}), "no package URL"),
    "SPDX vcs": (locks.spdx().replace("NOASSERTION", "git+https://git.example/x@1.0"), "version control"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), NOT_FROM_AN_INDEX.values(), ids=NOT_FROM_AN_INDEX)
def test_what_is_of_no_published_file_is_classed(tmp_path, text, reason):
    pins = read(tmp_path, "some", text)
    assert not pins.pins
    (entry,) = pins.unpinned
    assert (entry.kind, entry.text.split("==")[0]) == ("not-applicable", "demo")
    assert reason in entry.reason
    assert entry.origin.line


@pytest.mark.parametrize(
    "more", [{"editable": False}, {"path": ""}, {"file": ""}, {"git": ""}, {"editable": True}]
)
def test_pipenv_takes_it_from_the_index_all_the_same(tmp_path, more):
    text = locks.pipfile(entry={"hashes": [f"sha256:{A}"], "version": "==1.0", **more})
    (pin,) = read(tmp_path, "Pipfile.lock", text).pins
    assert pin.sha256 == {A}


def test_the_project_itself_is_no_entry(tmp_path):
    pins = read(tmp_path, "uv.lock", locks.uv([], source='virtual = "."'))
    assert pins.pins == pins.unpinned == ()


PRIVATE = "https://user:secret@private.example/simple"
FROM_ELSEWHERE = {
    "uv": locks.uv(source=f'registry = "{PRIVATE}"'),
    "uv, a directory": locks.uv(source='registry = "../wheels"'),
    "uv, an address": locks.uv(source=f'url = "{PRIVATE}/{WHEEL}"'),
    "pylock index": locks.pylock(index=f'index = "{PRIVATE}"\n'),
    "pylock address": locks.pylock(index="").replace("files.example", "private.example"),
    "pylock path": locks.pylock(index="", body=f'wheels = [{{ path = "{WHEEL}", hashes = {{ sha256 = "{A}" }} }}]\n'),
    "pylock archive": locks.pylock(index="", body=f'archive = {{ url = "{PRIVATE}/{WHEEL}", hashes = {{ sha256 = "{A}" }} }}\n'),
    "poetry": locks.poetry(source=f'[package.source]\ntype = "legacy"\nurl = "{PRIVATE}"\nreference = "x"\n'),
    "pdm": locks.pdm(body=f'files = [{{url = "{PRIVATE}/{WHEEL}", hash = "sha256:{A}"}}]\n'),
    "Pipfile": locks.pipfile(sources=[{"name": "x", "url": PRIVATE}]),
    "Pipfile, one of two": locks.pipfile(sources=[{"name": "m", "url": INDEX}, {"name": "x", "url": PRIVATE}]),
    "CycloneDX": cdx(purl=f"pkg:pypi/demo@1.0?repository_url={PRIVATE}", hashes=[{"alg": "SHA-256", "content": A}]),
    "CycloneDX reference": cdx(
        purl="pkg:pypi/demo@1.0",
        externalReferences=[{"type": "distribution", "url": f"{PRIVATE}/{WHEEL}", "hashes": [{"alg": "SHA-256", "content": A}]}],
    ),
    "SPDX": locks.spdx().replace("NOASSERTION", f"{PRIVATE}/{WHEEL}"),
    "requirements index": f"--index-url {PRIVATE}\ndemo==1.0 --hash=sha256:{A}\n",
    "requirements, one index more": f"demo==1.0 --hash=sha256:{A}\n--extra-index-url {PRIVATE}\n",
    "requirements, links": f"--find-links ./wheels\ndemo==1.0 --hash=sha256:{A}\n",
    "requirements address": f"demo @ {PRIVATE}/{WHEEL} --hash=sha256:{A}\n",
}  # fmt: skip


@pytest.mark.parametrize("text", FROM_ELSEWHERE.values(), ids=FROM_ELSEWHERE)
def test_what_may_come_from_elsewhere_is_asked_of_nobody(tmp_path, text):
    name = "requirements.txt" if "--" in text else "some"
    found = read(tmp_path, name, text)
    assert len(found.pins) == 1
    pins = asked_about(found)
    assert not pins.pins
    (entry,) = pins.unpinned
    assert entry.kind == "not-applicable"
    assert "which the policy does not call public" in entry.reason
    assert "secret" not in entry.reason
    named = screened(found, PublicIndexes((*PUBLIC, "https://private.example")))
    assert bool(named.pins) == ("private.example" in entry.reason)


def test_the_default_index_of_formats_that_name_none(tmp_path):
    for name in ("poetry.lock", "pdm.lock", "demo.cdx.json", "demo.spdx.json"):
        assert len(screened(read(tmp_path, name, locks.EACH[name]), PublicIndexes()).pins) == 1
    text = f"demo==1.0 --hash=sha256:{A}\n"
    assert len(screened(read(tmp_path, "requirements.txt", text), PublicIndexes()).pins) == 1


@pytest.mark.parametrize(
    ("source", "covered"),
    [
        ("https://index.example/simple", True),
        ("https://INDEX.example/simple/", True),
        ("https://index.example:443/simple/x", True),
        ("https://user:x@index.example/simple", True),
        ("https://index.example/simpler", False),
        ("https://index.example/", False),
        ("http://index.example/simple", False),
        ("https://index.example:8443/simple", False),
        ("https://index.example.evil.example/simple", False),
        ("https://index.example/simple/../private", False),
        ("https://index.example/simple/%2E%2e/private", False),
        ("https://index.example\\@evil.example/simple", False),
        ("https://evil.example/?https://index.example/simple", False),
        ("file:///index.example/simple", False),
        ("//index.example/simple", False),
        ("https://[", False),
        ("https://index.example:x/simple", False),
        ("../simple", False),
        ("", False),
    ],
)
def test_what_lies_below_a_public_index(source, covered):
    assert PublicIndexes(("https://index.example/simple/",)).covers(source) is covered


def test_pypi_is_known_by_its_host(monkeypatch):
    pypi_simple = pytest.importorskip("pypi_simple")
    endpoint = pypi_simple.PYPI_SIMPLE_ENDPOINT
    public = PublicIndexes()
    assert public.covers(endpoint)
    assert public.covers(endpoint.rstrip("/"))
    assert not public.covers(endpoint.replace("://", "://not-"))
    assert not public.covers(endpoint.replace("/simple", ":8080/simple"))


WITHOUT_SHA256 = {
    "uv, no hash": locks.uv().replace(f', hash = "sha256:{A}"', ""),
    "uv, md5": locks.uv().replace(f"sha256:{A}", "md5:" + "0" * 32),
    "pylock, sha512": locks.pylock().replace("sha256", "sha512"),
    "poetry, md5": locks.poetry().replace("sha256:", "md5:"),
    "poetry, no files": locks.poetry(body="files = []\n"),
    "pdm, no files": locks.pdm(body=""),
    "Pipfile, no hashes": locks.pipfile(entry={"version": "==1.0"}),
    "Pipfile, md5": locks.pipfile(entry={"version": "==1.0", "hashes": ["md5:0"]}),
    "CycloneDX": cdx(purl="pkg:pypi/demo@1.0", hashes=[{"alg": "SHA-1", "content": "0"}]),
    "SPDX": locks.spdx().replace("SHA256", "SHA1"),
}


@pytest.mark.parametrize("text", WITHOUT_SHA256.values(), ids=WITHOUT_SHA256)
def test_what_has_no_sha256_is_an_error(tmp_path, text):
    pins = read(tmp_path, "some", text)
    assert not pins.pins
    (entry,) = pins.unpinned
    assert entry.kind == "error"
    assert "no sha256" in entry.reason


def test_old_poetry_has_files_apart(tmp_path):
    end = f'\n[metadata.files]\nDemo = [\n    {{file = "{WHEEL}", hash = "sha256:{A}"}},\n]\n'
    pins = read(tmp_path, "poetry.lock", locks.poetry(version="1.1", body="", end=end))
    assert [(pin.filename, pin.sha256, pin.origin.line) for pin in pins.pins] == [(WHEEL, {A}, 10)]
    assert pins.inputs[0].version == "1.1"


def test_uv_normalises_the_name_that_pylock_tells_but_not_the_address(tmp_path):
    body = f'wheels = [{{ name = "demo-1.0-py3-none-any.whl", url = "https://files.example/Demo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}]\n'
    (pin,) = read(tmp_path, "pylock.toml", locks.pylock(body=body)).pins
    assert pin.filename == "Demo-1.0-py3-none-any.whl"


def test_names_in_addresses_are_decoded_once(tmp_path):
    text = locks.uv([("demo-1.0%2Bcpu-py3-none-any.whl", A)]).replace(
        'version = "1.0"', 'version = "1.0+cpu"'
    )
    (pin,) = read(tmp_path, "uv.lock", text).pins
    assert (pin.filename, pin.version) == ("demo-1.0+cpu-py3-none-any.whl", "1.0+cpu")


@pytest.mark.parametrize("fragment", [SDIST, "demo-1.0-cp39-cp39-win32.whl"])
def test_a_fragment_does_not_rename_what_the_address_names(tmp_path, fragment):
    text = locks.uv().replace(WHEEL, f"{WHEEL}#{fragment}")
    (pin,) = read(tmp_path, "uv.lock", text, target=target_of("3.12", "win_amd64")).pins
    assert pin.filename == WHEEL
    text = locks.uv().replace(WHEEL, f"download?x=1#{WHEEL}")
    (pin,) = read(tmp_path, "uv.lock", text).pins
    assert pin.filename == WHEEL


def test_uv_takes_the_address_and_not_the_name_beside_it(tmp_path):
    text = locks.uv().replace(", hash", f', filename = "{SDIST}", hash')
    (pin,) = read(tmp_path, "uv.lock", text).pins
    assert pin.filename == WHEEL


def test_components_within_components_and_of_other_kinds(tmp_path):
    inner = {
        "type": "library",
        "name": "x",
        "purl": "pkg:pypi/X.y@2.0?file_name=x_y-2.0-py3-none-any.whl",
        "hashes": [{"alg": "SHA-256", "content": B.upper()}],
    }
    outer = {"type": "library", "name": "c", "purl": "pkg:deb/debian/c@1", "components": [inner]}
    device = {"type": "operating-system", "name": "os"}
    pins = read(tmp_path, "bom.json", locks.cyclonedx(outer, device))
    assert [(pin.project, pin.filename, pin.sha256) for pin in pins.pins] == [
        ("x-y", "x_y-2.0-py3-none-any.whl", {B})
    ]
    assert [note.split("left out: ")[1] for note in pins.notes] == [
        "1 of kind deb, not from PyPI",
        "1 of kind operating-system, not from PyPI",
    ]


def test_a_direct_address_with_a_hash_is_a_pin(tmp_path):
    for line in (
        f"demo @ https://files.example/{WHEEL} --hash=sha256:{A}",
        f"https://files.example/{WHEEL}#sha256={A}",
    ):
        (pin,) = read(tmp_path, "requirements.txt", line + "\n").pins
        assert (pin.project, pin.filename, pin.sha256) == ("demo", WHEEL, {A})
        assert pin.sources == (f"https://files.example/{WHEEL}",)


def test_requirements_for_another_environment(tmp_path):
    text = f'win==1.0 ; sys_platform == "win32" --hash=sha256:{A}\nnew==1.0 ; python_version >= "3.13" --hash=sha256:{B}\n'
    pins = read(tmp_path, "requirements.txt", text, target=target_of("3.12", "win_amd64"))
    assert [pin.project for pin in pins.pins] == ["win"]
    assert "its marker excludes Python 3.12 on win_amd64: new==1.0" in pins.notes[0]


def test_requirements_from_standard_input_include_what_is_in_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.txt").write_text(f"more==1.0 --hash=sha256:{B}\n")
    text = f"demo==1.0 --hash=sha256:{A}\n-r more.txt\n"
    pins = read_input("-", Reading(stdin=lambda _: text.encode()))
    assert [(pin.project, str(pin.origin)) for pin in pins.pins] == [
        ("demo", "<stdin>:1"),
        ("more", "more.txt:1"),
    ]


def test_a_digest(tmp_path):
    (pin,) = read_input(f"sha256:{A}").pins
    assert (pin.project, pin.sha256, str(pin)) == ("", {A}, f"sha256:{A}")


def relation(kind="DESCRIBES", of="SPDXRef-DOCUMENT", what="SPDXRef-app"):
    return {"spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": what}


@pytest.mark.parametrize(
    ("said", "listed"),
    [
        ({"relationships": [relation()]}, False),
        ({"documentDescribes": ["SPDXRef-app"]}, False),
        ({"relationships": [relation("DEPENDS_ON")]}, True),
        ({"relationships": [relation(of="SPDXRef-demo")]}, True),
        ({"relationships": [relation(what="SPDXRef-demo")]}, True),
        ({"relationships": [{}], "documentDescribes": [""], "SPDXID": ""}, True),
        ({}, True),
    ],
)
def test_what_an_sbom_is_about_is_no_entry_of_it(tmp_path, said, listed):
    whole = json.loads(locks.spdx())
    whole["packages"].append({"name": "app", "SPDXID": "SPDXRef-app"})
    pins = read(tmp_path, "some.spdx.json", json.dumps({"SPDXID": "SPDXRef-DOCUMENT", **whole, **said}))
    assert [pin.project for pin in pins.pins] == ["demo"]
    assert [entry.text for entry in pins.unpinned] == ["app"] * listed


def test_what_an_sbom_is_about_is_checked_if_it_is_published(tmp_path):
    about = {"SPDXID": "SPDXRef-DOCUMENT", "documentDescribes": ["SPDXRef-demo"]}
    pins = read(tmp_path, "some.spdx.json", json.dumps({**json.loads(locks.spdx()), **about}))
    assert [pin.project for pin in pins.pins] == ["demo"]


def test_names_of_formats():
    assert NAMES == (
        "requirements",
        "pylock.toml",
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "Pipfile.lock",
        "CycloneDX",
        "SPDX",
    )
