import pytest
from packaging.version import Version

from witness.errors import InputError, Malformed
from witness.names import SdistName, TargetName, WheelName, purl


@pytest.mark.parametrize(
    ("filename", "project", "version", "build", "pure"),
    [
        ("six-1.17.0-py2.py3-none-any.whl", "six", "1.17.0", "", True),
        ("Demo_Pkg.x-1.0-1a-py3-none-any.whl", "demo-pkg-x", "1.0", "1a", True),
        ("demo-1!2.0+local.1-py3-none-any.whl", "demo", "1!2.0+local.1", "", True),
        ("demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "demo", "1.0", "", False),
        ("demo-1.0-py3-none-win32.whl", "demo", "1.0", "", False),
        ("demo-1.0-cp311-abi3-any.whl", "demo", "1.0", "", False),
    ],
)
def test_wheels(filename, project, version, build, pure):
    name = WheelName.parse(filename)
    assert (name.filename, name.project, name.version) == (filename, project, Version(version))
    assert (name.build, name.is_pure) == (build, pure)


@pytest.mark.parametrize(
    ("other", "agree"),
    [
        ("demo_pkg_x-1.0.0-01-py3.py2-none-any.whl", True),
        ("Demo.Pkg-X-1.0-1-py2.py3-none-any.whl", None),  # a dash in a name is none
        ("demo_pkg_x-1.0-1-py3-none-any.whl", False),
        ("demo_pkg_x-1.0-py2.py3-none-any.whl", False),
        ("demo_pkg_x-1.0-1a-py2.py3-none-any.whl", False),
        ("demo_pkg-1.0-1-py2.py3-none-any.whl", False),
        ("demo_pkg_x-1.0+x-1-py2.py3-none-any.whl", False),
    ],
)
def test_wheels_that_agree(other, agree):
    name = WheelName.parse("Demo_Pkg.x-1.0-1-py2.py3-none-any.whl")
    if agree is None:
        with pytest.raises(Malformed):
            WheelName.parse(other)
    else:
        assert name.agrees_with(WheelName.parse(other)) == WheelName.parse(other).agrees_with(name) == agree


@pytest.mark.parametrize(
    "filename",
    ["", ".whl", "demo.whl", "demo-1.0.whl", "-1.0-py3-none-any.whl", "demo-x-py3-none-any.whl",
     "demo-1.0-py3-none-any.zip", "demo-1.0-x-py3-none-any.whl", "a/demo-1.0-py3-none-any.whl",
     "..\\demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any.whl\n", "demo-1.0-py3-none-\x1b[2J.whl",
     "dem\u00f6-1.0-py3-none-any.whl", "demo-\u0661.0-py3-none-any.whl", "d" * 250 + "-1.0-py3-none-any.whl",
     f"demo-{'1' * 5000}-py3-none-any.whl"],
)  # fmt: skip
def test_what_is_no_wheels_name(filename):
    with pytest.raises(Malformed) as caught:
        WheelName.parse(filename)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("demo-1.0.tar.gz", "demo", "1.0"),
        ("Foo-Bar-1.0.zip", "foo-bar", "1.0"),
        ("a_b-1.0rc1.tar.gz", "a-b", "1.0rc1"),
    ],
)
def test_sdists(filename, project, version):
    name = SdistName.parse(filename)
    assert (name.filename, name.project, name.version) == (filename, project, Version(version))


@pytest.mark.parametrize(
    "filename", ["", "demo.tar.gz", "demo-1.0.tar.bz2", "demo-1.0.whl", "../demo-1.0.tar.gz", "demo-x.tar.gz"]
)
def test_what_is_no_sdists_name(filename):
    with pytest.raises(Malformed):
        SdistName.parse(filename)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("six==1.17.0", "six==1.17.0"),
        (" Six == 1.17.0\n", "six==1.17.0"),
        ("Foo_Bar.x==1.0", "foo-bar-x==1.0"),
        ("six-1.17.0-py2.py3-none-any.whl", "six-1.17.0-py2.py3-none-any.whl"),
    ],
)
def test_targets(text, shown):
    target = TargetName.parse(text)
    assert str(target) == shown
    assert TargetName.parse(shown) == target


@pytest.mark.parametrize(
    "text",
    ["", "six", "six==", "==1.0", "six===1.0", "six>=1.0", "six==1.*", "six==1.0 ; x", "six @ https://x.example/six.whl",
     "-six==1.0", "s\u0131x==1.0", "six==" + "1" * 5000, "x" * 9999, "six.whl", "six==\x1b[2J", "six==1.0,!=2",
     "a/b==1"],
)  # fmt: skip
def test_what_is_no_target(text):
    with pytest.raises(InputError) as caught:
        TargetName.parse(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("version", "filename", "expected"),
    [
        ("1.0", "demo-1.0-py3-none-any.whl", "pkg:pypi/demo@1.0?file_name=demo-1.0-py3-none-any.whl"),
        (
            "1.0+x",
            "demo-1.0+x-py3-none-any.whl",
            "pkg:pypi/demo@1.0%2Bx?file_name=demo-1.0%2Bx-py3-none-any.whl",
        ),
        ("1!1.0", "d", "pkg:pypi/demo@1%211.0?file_name=d"),
        (
            "1.0",
            "d-1.0-1&x=y#z %-a-b-c.whl",
            "pkg:pypi/demo@1.0?file_name=d-1.0-1%26x%3Dy%23z%20%25-a-b-c.whl",
        ),
    ],
)
def test_purls(version, filename, expected):
    assert purl("demo", version, filename) == expected
