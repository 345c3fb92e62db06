"""Sdists are strangers' bytes: what they say is read, and what is wrong with them is Malformed."""

import gzip
import tarfile
import time
import tracemalloc

import pytest

from rebuilders.facts import sdist as reader
from rebuilders.facts.sdist import sdist_facts
from tests.sdists import MTIME, PYPROJECT, TOP, info, sdist_of, tar_of, zip_sdist_of
from tests.wheels import File, directory, zip_of
from witness.errors import Malformed
from witness.limits import ArchiveLimits

SHA = "0" * 64
END = bytes(1024)


def facts(data, filename="demo-1.0.tar.gz"):
    return sdist_facts(data, filename, SHA)


def tar_facts(*parts):
    return facts(gzip.compress(b"".join(parts) + END, mtime=0))


def link(name, target, kind=tarfile.SYMTYPE):
    made = info(name, kind=kind)
    made.linkname = target
    return made


def header(name, size=0, **kwargs):
    return info(name, size, **kwargs).tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_a_tarball_says(form):
    long = f"{TOP}/src/{'x' * 90}/{'y' * 90}.py"
    members = [
        (info(TOP, kind=tarfile.DIRTYPE, mode=0o755), b""),
        (info(f"{TOP}/pyproject.toml"), PYPROJECT),
        (info(f"{TOP}/setup.py", mode=0o755, mtime=MTIME + 1), b"setup_requires\n"),
        (info(long), b"x"),
        (info(f"{TOP}/sub/setup.cfg"), b"not at the top"),
        (link(f"{TOP}/link", "setup.py"), b""),
    ]
    found = facts(gzip.compress(tar_of(members, form)))
    assert found.top == TOP
    assert set(found.members) == {"pyproject.toml", "setup.py", long[len(TOP) + 1 :], "sub/setup.cfg"}
    member = found.members["setup.py"]
    assert (member.mode, member.mtime, member.size) == (0o755, MTIME + 1, 15)
    assert set(found.texts) == {"pyproject.toml", "setup.py"}
    assert found.build_requires == ("setuptools>=61",)
    assert found.build_backend == "setuptools.build_meta"
    assert found.mentions(("nothing", "setup_requires"))
    assert not found.mentions(("nothing",))


def test_what_a_zip_says():
    found = facts(
        zip_of(
            [
                directory(f"{TOP}/"),
                File(f"{TOP}/setup.py", b"x", mode=0o100755),
                File(f"{TOP}/old.py", date=0),
            ]
        ),
        "demo-1.0.zip",
    )
    member = found.members["setup.py"]
    assert (member.mode, member.mtime, member.size) == (0o755, 1580601600, 1)  # 2020-02-02
    assert found.members["old.py"].mtime == 0  # no date at all
    assert found.texts == {"setup.py": "x"}
    assert found.build_requires is None
    assert found.build_backend == "setuptools.build_meta:__legacy__"


@pytest.mark.parametrize(
    ("toml", "requires", "backend"),
    [
        ("", None, "setuptools.build_meta:__legacy__"),
        ("[tool.black]\n", None, "setuptools.build_meta:__legacy__"),
        ("build-system = 3\n", None, "setuptools.build_meta:__legacy__"),
        ("[build-system]\n", (), "setuptools.build_meta:__legacy__"),
        ('[build-system]\nrequires = []\nbuild-backend = "b"\n', (), "b"),
    ],
)
def test_build_systems(toml, requires, backend):
    found = facts(sdist_of({"pyproject.toml": toml.encode()}))
    assert (found.build_requires, found.build_backend) == (requires, backend)


@pytest.mark.parametrize(
    "toml",
    [
        b"[build-system\n",
        b"a = 1\na = 2\n",
        b"\xff\xfe = 1\n",
        b"a = " + b"1" * 5000,
        b"a = " + b"[" * 20_000,
        b'[build-system]\nrequires = "setuptools"\n',
        b"[build-system]\nrequires = 5\n",
        b"[build-system]\nrequires = [1]\n",
        b'[build-system]\nrequires = {a = "b"}\n',
    ],
    ids=lambda toml: toml[:40].decode("latin-1"),
)
def test_damaged_toml(toml):
    with pytest.raises(Malformed, match=r"^demo-1\.0\.tar\.gz: "):
        facts(sdist_of({"pyproject.toml": toml}))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        f"{TOP}/../../x",
        f"{TOP}/..",
        "./../x",
        f"{TOP}//etc/x",
        f"{TOP}/{'x' * 1100}",
    ],
)
def test_unsafe_paths(path):
    for data, name in (
        (gzip.compress(tar_of([(info(path), b"x")])), "demo-1.0.tar.gz"),
        (zip_of([File(path, b"x")]), "demo-1.0.zip"),
    ):
        with pytest.raises(Malformed, match=r"unsafe path|unsafe-name|more than the 1024 allowed"):
            facts(data, name)


@pytest.mark.parametrize("names", [[], ["a/x", "b/x"], ["a/x", "b"], ["a"]])
def test_one_top_directory(names):
    with pytest.raises(Malformed, match="top directories instead of one"):
        facts(gzip.compress(tar_of((info(name), b"") for name in names)))


WHOLE = sdist_of()
DAMAGED = {
    "nothing": b"",
    "no gzip": b"hello",
    "plain tar": tar_of([(info(f"{TOP}/x"), b"")]),
    "cut gzip": WHOLE[:-9],
    "cut trailer": WHOLE[:-1],
    "wrong crc": WHOLE[:-8] + bytes(8),
    "bytes behind": WHOLE + b"x",
    "a second gzip": WHOLE + sdist_of({"setup.py": b"other"}),
    "cut tar": gzip.compress(gzip.decompress(WHOLE)[:540]),
    "no tar": gzip.compress(b"hello" * 300),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_tarballs(data):
    with pytest.raises(Malformed, match=r"^demo-1\.0\.tar\.gz: "):
        facts(data)


def test_padding_behind_the_gzip_is_harmless():
    assert facts(WHOLE + bytes(512)) == facts(WHOLE)


ZIPS = {
    "nothing": b"",
    "bzip2": zip_of([File(f"{TOP}/setup.py", b"x", method=12)]),
    "lzma bomb": zip_of([File(f"{TOP}/setup.py", b"x" * 99, method=14)]),
    "encrypted": zip_of([File(f"{TOP}/setup.py", b"x", flags=1)]),
    "damaged": zip_of([File(f"{TOP}/setup.py", b"xy", packed=b"\xff\xff")]),
    "too small": zip_of([File(f"{TOP}/setup.py", b"xy", size=1)]),
}


@pytest.mark.parametrize("data", ZIPS.values(), ids=ZIPS)
def test_damaged_zips(data):
    with pytest.raises(Malformed, match=r"^demo-1\.0\.zip: "):
        facts(data, "demo-1.0.zip")


NEGATIVE = bytearray(header(f"{TOP}/b"))
NEGATIVE[124:136] = tarfile.itn(-1024, 12, tarfile.GNU_FORMAT)
NEGATIVE[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(NEGATIVE))[0]
DEVICE = bytearray(NEGATIVE)
DEVICE[156:157] = b"Z"
DEVICE[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(DEVICE))[0]
FILE = header(f"{TOP}/a")


def pax(records, kind=b"x"):
    return header("PaxHeader", len(records), kind=kind) + records.ljust(-(-len(records) // 512) * 512, b"\0")


def global_header(records):
    return pax(records, b"g")


TRICKS = {
    # Python before 3.11.14 reads the same header again and again.
    "negative size": [FILE, FILE, bytes(NEGATIVE)],
    "negative size of an unknown type": [FILE, FILE, bytes(DEVICE)],
    "negative size in PAX": [FILE, FILE, pax(b"14 size=-1536\n"), FILE],
    # Python before 3.11.10 takes hours over it.
    "row of digits": [pax(b"1" * 200_000), FILE],
    "large extended header": [pax(b"1 " * 200_000), FILE],
    "long name of many bytes": [header("x", 1 << 20, kind=b"L"), bytes(1 << 20), FILE],
    "nested headers": [header("x", kind=b"x")] * 3000 + [FILE],
    "nested names": [header("x", 1, kind=b"L"), b"x" + bytes(511)] * 3000 + [FILE],
    "sparse map without numbers": [pax(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"), FILE, b"x" * 512],
    "traversal in PAX": [pax(b"12 path=/ab\n"), FILE],
}  # fmt: skip


@pytest.mark.parametrize("parts", TRICKS.values(), ids=TRICKS)
def test_tar_tricks_end_soon(parts):
    begun = time.process_time()
    with pytest.raises(Malformed):
        tar_facts(*parts)
    assert time.process_time() - begun < 5  # instead of for ever


def test_the_later_of_two_members_counts():
    members = [(info(f"{TOP}/setup.py"), b"one"), (info(f"{TOP}/setup.py"), b"other")]
    found = facts(gzip.compress(tar_of(members)))
    assert found.texts == {"setup.py": "other"}
    assert found.members["setup.py"].size == 5


@pytest.mark.parametrize(
    ("limits", "data", "message"),
    [
        (ArchiveLimits(file=100), WHOLE, "more than the 100 allowed"),
        (ArchiveLimits(total=4000), WHOLE, "unpacks to more than the 4000"),
        (ArchiveLimits(members=2), sdist_of({"a": b"", "b": b""}), "more than the 2 members"),
        (
            ArchiveLimits(members=2),
            gzip.compress(tar_of((info(TOP, kind=tarfile.DIRTYPE), b"") for _ in range(3))),
            "more than the 2 members",
        ),
    ],
)
def test_limits(monkeypatch, limits, data, message):
    monkeypatch.setattr(reader, "LIMITS", limits)
    with pytest.raises(Malformed, match=message):
        facts(data)


@pytest.mark.parametrize(
    ("limits", "message"),
    [(ArchiveLimits(total=50), "unpacks to 99 bytes"), (ArchiveLimits(members=1), "2 members")],
)
def test_limits_of_zips(monkeypatch, limits, message):
    monkeypatch.setattr(reader, "LIMITS", limits)
    with pytest.raises(Malformed, match=message):
        facts(zip_sdist_of({"a": b"x" * 98, "b": b"x"}), "demo-1.0.zip")


def test_a_bomb_is_left_at_its_limit(monkeypatch):
    bomb = gzip.compress(bytes(64 << 20))
    monkeypatch.setattr(reader, "LIMITS", ArchiveLimits(total=1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="unpacks to more"):
            facts(bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_texts_that_are_too_large_are_not_read(monkeypatch):
    monkeypatch.setattr(reader, "_MAX_TEXT", 10)
    found = facts(sdist_of({"setup.py": b"x" * 11, "pyproject.toml": b"a = 1"}))
    assert set(found.texts) == {"pyproject.toml"}
    assert found.members["setup.py"].size == 11


SPARSE = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n31 GNU.sparse.realsize=9999999\n"


@pytest.mark.parametrize(
    "parts",
    [
        [pax(SPARSE), header(f"{TOP}/setup.py", 512), b"0\n".ljust(512, b"\0")],
        [pax(b"26 GNU.sparse.map=0,1,2,3\n"), header(f"{TOP}/setup.py", 512), bytes(512)],
        [header(f"{TOP}/setup.py", 512, kind=b"S"), bytes(512)],
    ],
)
def test_a_sparse_file_is_not_unrolled(parts):
    """Its map alone could be gigabytes, and no tool writes one into an sdist."""
    with pytest.raises(Malformed, match="sparse"):
        tar_facts(*parts)


def fields_of(count):
    return b"".join(b"%d %06d=\n" % (11, number) for number in range(count))


def test_global_headers_are_not_copied_to_each_member():
    assert tar_facts(global_header(b"12 comment=\n"), FILE).members.keys() == {"a"}
    with pytest.raises(Malformed, match="global headers"):
        tar_facts(global_header(fields_of(1000)), FILE, FILE)


def test_extended_headers_are_not_kept():
    parts = [pax(fields_of(20_000)), FILE] * 20
    tracemalloc.start()
    try:
        assert tar_facts(*parts).members.keys() == {"a"}
        assert tracemalloc.get_traced_memory()[1] < 4 * sum(map(len, parts))
    finally:
        tracemalloc.stop()


def test_a_pyproject_that_is_too_large_to_be_read(monkeypatch):
    monkeypatch.setattr(reader, "_MAX_TEXT", 10)
    for data, name in (
        (sdist_of({"pyproject.toml": b"#" * 11}), "demo-1.0.tar.gz"),
        (zip_sdist_of({"pyproject.toml": b"#" * 11}), "demo-1.0.zip"),
    ):
        with pytest.raises(Malformed, match="11 bytes, more than the 10 allowed"):
            facts(data, name)
