"""Whom a farm lets in: nobody without a certificate, but on this machine."""

import pytest

from rebuilders.farm.link import Link, is_loopback
from rebuilders.farm.tags import tags_here
from witness.errors import InputError


@pytest.fixture
def files(tmp_path):
    made = []
    for name in ("ca.pem", "node.pem", "node.key"):
        path = tmp_path / name
        path.write_text("no certificate")
        path.chmod(0o600)
        made.append(path)
    return made


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("10.0.0.1", False), ("localhost.example", False), ("", False), ("127.0.0.1.example", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786"])
def test_without_tls_on_this_machine(address):
    assert Link(address).check().files == ()


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tcp://0.0.0.0:8786", "tcp://db.example:8786"])
def test_without_tls_to_others_only_where_somebody_says_so(address):
    with pytest.raises(InputError, match="without TLS") as caught:
        Link(address).check()
    assert caught.value.hint
    assert Link(address, insecure=True).check().address == address


@pytest.mark.parametrize(
    "address",
    ["", "host.example", "host.example:8786", "http://host.example:8786", "tls://host.example", "tls://:8786",
     "tls://host.example:port", "tls://host.example:99999", "tls://host.example:1/path", "inproc://x:1"],
)  # fmt: skip
def test_what_is_no_address(address, files):
    with pytest.raises(InputError, match="not the address"):
        Link(address, *files, insecure=True).check()


class TestTls:
    def test_with_all_three(self, files):
        assert Link("tls://host.example:8786", *files).check().files == tuple(files)

    @pytest.mark.parametrize("missing", range(3))
    def test_each_of_them_is_needed(self, files, missing):
        files[missing] = None
        with pytest.raises(InputError, match="TLS without"):
            Link("tls://127.0.0.1:8786", *files, insecure=True).check()

    def test_a_file_that_is_not_there(self, files):
        files[0].unlink()
        with pytest.raises(InputError, match="No such file"):
            Link("tls://host.example:8786", *files).check()

    def test_a_key_that_everybody_can_read(self, files):
        files[2].chmod(0o604)
        with pytest.raises(InputError, match="everybody") as caught:
            Link("tls://host.example:8786", *files).check()
        assert "chmod 600" in caught.value.hint

    def test_files_that_hold_something_else(self, files):
        with pytest.raises(InputError, match=r"node\.pem"):
            Link("tls://host.example:8786", *files).check().security()


@pytest.mark.parametrize("tag", ["", "Upper", "a b", "-x", "x" * 61, "a\n", "ü"])
def test_what_is_no_tag(tag, tmp_path):
    with pytest.raises(InputError, match="is no tag"):
        tags_here(tmp_path, [tag])


def test_tags_are_found_out_and_added_to(tmp_path):
    tags = tags_here(tmp_path, ["mine"])
    assert tags[-1] == "mine"
    assert any(tag.startswith("python3.") for tag in tags)
    assert any(tag.startswith("arch-") for tag in tags)
