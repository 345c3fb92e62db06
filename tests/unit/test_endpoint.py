"""Which index: what uv and pip are set up to use, before the library's default."""

import pytest

from rebuilders.config import Settings
from rebuilders.wiring import open_index
from witness.endpoint import default_endpoint
from witness.errors import InputError

DEFAULT = "https://fallback.example/simple/"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pypi_simple.PYPI_SIMPLE_ENDPOINT", DEFAULT)
    return tmp_path


def write(home, path, text):
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).write_text(text)


def test_variables_in_order():
    names = ("WHEELWITNESS_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    variables = {name: f"https://{name.lower().replace('_', '-')}.example/simple" for name in names}
    for name in names:
        assert default_endpoint(variables) == f"https://{name.lower().replace('_', '-')}.example/simple/"
        variables[name] = ""


UV, PIP, OLD_PIP = ".config/uv/uv.toml", ".config/pip/pip.conf", ".pip/pip.conf"
FILES = {
    "default index": (
        UV,
        '[[index]]\nurl = "https://x.example"\n[[index]]\nurl = "https://a.example/s"\ndefault = true\n',
    ),
    "index-url": (UV, 'index-url = "https://a.example/s/"\n'),
    "pip.conf": (PIP, "[global]\nindex-url = https://a.example/s\n"),
    "percent sign": (PIP, "[global]\nindex-url = https://a.example/s\npassword = %(x)s%\n"),
    "old pip.conf": (OLD_PIP, "[global]\nindex-url = https://a.example/s//\n"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text"), FILES.values(), ids=FILES)
def test_files(home, path, text):
    write(home, path, text)
    assert default_endpoint({}) == "https://a.example/s/"


def test_uv_before_pip_and_variables_before_both(home):
    write(home, PIP, "[global]\nindex-url = https://pip.example/\n")
    write(home, UV, 'index-url = "https://uv.example/"\n')
    assert default_endpoint({}) == "https://uv.example/"
    assert default_endpoint({"PIP_INDEX_URL": "https://v.example"}) == "https://v.example/"


def test_pip_config_file(home):
    write(home, PIP, "[global]\nindex-url = https://pip.example/\n")
    write(home, "mine", "[global]\nindex-url = https://mine.example/\n")
    assert default_endpoint({"PIP_CONFIG_FILE": str(home / "mine")}) == "https://mine.example/"


@pytest.mark.parametrize(
    "text", ["[", "index = 5", "index = [5]", 'index-url = ""', "[[index]]\ndefault = true\n"]
)
@pytest.mark.parametrize("path", [UV, PIP])
def test_settings_that_cannot_be_read_are_passed_over(home, path, text):
    write(home, path, text)
    write(home, OLD_PIP, "[global]\nindex-url = https://next.example/\n")
    assert default_endpoint({}) == "https://next.example/"


@pytest.mark.parametrize(
    "index",
    [
        "ftp://user:secret@x.example/",
        "/srv/simple",
        "http://[",
        "user:secret@x.example",
        "https://",
        "nothing",
    ],
)
def test_what_is_no_index(tmp_path, index):
    with pytest.raises(InputError, match="not the address of an index") as caught:
        open_index(Settings(index=index, cache=tmp_path))
    assert "secret" not in str(caught.value)
