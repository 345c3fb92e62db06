"""URLs of destinations, tables of node.toml, and what the command says and ends with."""

import json

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.destinations.directory import DirectoryDestination
from rebuilders.destinations.objects import ObjectDestination
from rebuilders.destinations.opening import check_url, open_destination
from rebuilders.destinations.rsync import RsyncDestination
from rebuilders.node import config as node_config
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.pushing import destinations, push_all, state_of, variables
from rebuilders.node.setup import toml_of
from tests.pushed import NODE, Site, verified
from witness.errors import InputError

GOOD = {
    "file:///srv/www/node": DirectoryDestination,
    "file://localhost/srv/a%20b": DirectoryDestination,
    "s3://bucket/prefix/deep": ObjectDestination,
    "s3://bucket": ObjectDestination,
    "gs://bucket/prefix": ObjectDestination,
    "az://container/prefix": ObjectDestination,
    "rsync://host.example/module/path": RsyncDestination,
    "rsync://user@host.example:8730/module": RsyncDestination,
    "witness@www.example:/srv/www/node": RsyncDestination,
    "www.example:node": RsyncDestination,
}
BAD = [
    "", "node", "/srv/www", "./there", "file://", "file://host.example/srv", "file:srv", "ftp://host.example/x",
    "https://bucket.example/x", "s3://", "s3:///x", "s3://key:secret@bucket/x", "s3://key@bucket/x",
    "s3://bucket/x?versionId=1", "gs://bucket/x#y", "rsync://user:secret@host.example/module", "rsync://host.example/",
    "rsync://host.example/-e", "rsync://-oProxyCommand=x/module", "-oProxyCommand=x:/y", "user@-oProxyCommand=x:/y",
    "host.example:-e", "--rsh=sh:/x", "host.example::module", "user@host.example:a\nb", "host.example:a\0b",
    "s3://[bucket/x",
]  # fmt: skip
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1", "AWS_PROFILE": "of the shell",
    "AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_STORAGE_ACCOUNT_KEY": "c2VjcmV0",
    "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps({"disable_oauth": True, "client_email": "", "private_key": "",
                                              "private_key_id": "", "gcs_base_url": "http://127.0.0.1:9"}),
}  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_urls(url):
    check_url(url)
    destination = open_destination(url, CREDENTIALS)
    assert type(destination) is GOOD[url]
    destination.close()


@pytest.mark.parametrize("url", BAD)
def test_urls_that_are_none(url):
    with pytest.raises(InputError) as caught:
        open_destination(url, {})
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_of_a_file_url(tmp_path):
    assert open_destination(f"file://{tmp_path}/a%20b", {}).root == tmp_path / "a b"


@pytest.mark.parametrize("there", ["site", "site/below", ".", "site/../site"])
def test_not_the_site_itself(tmp_path, there):
    (tmp_path / "site").mkdir()
    with pytest.raises(InputError, match="is the site itself"):
        open_destination(f"file://{tmp_path}/{there}", {}, site=tmp_path / "site")
    open_destination(f"file://{tmp_path}/beside", {}, site=tmp_path / "site").close()


def test_variables_have_the_prefix_that_is_told():
    # It does not parse, so it must have been looked at.
    seen = {"BACKUP_AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "perhaps"}
    with pytest.raises(InputError, match="perhaps"):
        open_destination("s3://bucket/x", seen, variables="BACKUP_")
    open_destination("s3://bucket/x", seen).close()
    open_destination("s3://bucket/x", seen, variables="OTHER_").close()


def parse(text):
    return node_config.parse(f'version = 1\nname = "node-a"\noperator = "A"\n{text}', "node.toml")


class TestNodeToml:
    def test_destinations(self):
        config = parse(
            '[[destination]]\nurl = "s3://bucket/x"\nendpoint = "https://objects.example"\ngzip = true\n'
            '[[destination]]\nurl = "file:///srv/www"\nkeep-minutes = 5\n'
        )
        first, second = config.destination
        assert (first.url, first.endpoint, first.gzip, first.keep_minutes) == (
            "s3://bucket/x", "https://objects.example", True, 60,
        )  # fmt: skip
        assert second.keep_minutes == 5
        assert destinations(config) == (first, second)
        assert destinations(config, "s3://bucket/x") == (first,)
        assert destinations(config, "s3://other/x")[0].url == "s3://other/x"

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ('[[destination]]\nurl = "nowhere"', "node.toml: nowhere: not a destination"),
            ('[[destination]]\nurl = "s3://key:secret@bucket/x"', "a URL with a password in it"),
            ('[[destination]]\nurl = "s3://b/x"\nsecret = "x"', r"destination\.0\.secret"),
            ('[[destination]]\nurl = "s3://b/x"\nendpoint = "https://u:p@h.example"', r"destination\.0\.endpoint"),
            ('[[destination]]\nurl = "s3://b/x"\nkeep-minutes = -1', r"destination\.0\.keep-minutes"),
            ('[[destination]]\nregion = "x"', r"destination\.0\.url"),
        ],
    )  # fmt: skip
    def test_what_is_refused(self, text, why):
        with pytest.raises(InputError, match=why) as caught:
            parse(text)
        assert "secret@" not in str(caught.value)

    def test_without_any(self):
        with pytest.raises(InputError, match="names no destination"):
            destinations(parse(""))


@pytest.fixture
def made(tmp_path):
    """A node with its node.toml, and a site of three observations."""
    site = Site(tmp_path / "node")
    site.grow(3)
    config = NodeConfig(version=1, name=NODE.name, operator="Operator A")
    (tmp_path / "node" / "node.toml").write_text(toml_of(config))
    return site


class TestCommand:
    def run(self, *argv):
        return CliRunner().invoke(app, ["push", *map(str, argv)])

    def test_it_pushes(self, made, tmp_path):
        done = self.run(made.root, "--to", f"file://{tmp_path}/there")
        assert done.exit_code == 0, done.output
        assert "3 entries" in done.output
        assert verified(DirectoryDestination(tmp_path / "there")) == 3
        again = self.run(made.root, "--to", f"file://{tmp_path}/there")
        assert "0 files sent" in again.output
        assert self.run(made.root, "--to", f"file://{tmp_path}/there", "--quiet").output == ""

    def test_those_of_node_toml_each_by_itself(self, made, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with (made.root / "node.toml").open("a") as file:
            for name in ("file/below", "one", "two"):
                file.write(f'[[destination]]\nurl = "file://{tmp_path}/{name}"\n')
        done = self.run(made.root)
        assert done.exit_code == 5
        for name in ("one", "two"):
            assert verified(DirectoryDestination(tmp_path / name)) == 3
        assert f"file://{tmp_path}/file/below: " in done.output

    def test_codes(self, made, tmp_path):
        there = f"file://{tmp_path}/there"
        assert self.run(made.root).exit_code == 2
        assert self.run(tmp_path / "nobody", "--to", there).exit_code == 2
        assert self.run(made.root, "--to", "nowhere").exit_code == 2
        assert self.run(made.root, "--to", there).exit_code == 0
        (tmp_path / "there" / "checkpoint").write_bytes(b"of another log\n")
        done = self.run(made.root, "--to", there)
        assert done.exit_code == 1
        assert "no checkpoint of this log" in done.output
        assert "Both checkpoints are in" in done.output
        (made.path / "checkpoint").unlink()
        assert self.run(made.root, "--to", there).exit_code == 5

    def test_what_the_publisher_process_calls(self, made, tmp_path):
        node = NodeDirectory(made.root)
        (place,) = destinations(node.load(), f"file://{tmp_path}/there")
        (outcome,) = push_all(node, [place], lambda _: None)
        assert outcome.error is None
        assert outcome.pushed.size == 3
        assert state_of(node, place).is_dir()

    def test_variables_that_its_process_needs(self):
        config = parse(
            '[[destination]]\nurl = "s3://b/x"\nvariables = "B_"\n[[destination]]\nurl = "h.example:x"'
        )
        names = variables(config.destination)
        assert {"AWS_REGION", "B_AWS_ACCESS_KEY_ID", "SSH_AUTH_SOCK"} <= names
        assert not [name for name in names if name.startswith("GOOGLE")]
