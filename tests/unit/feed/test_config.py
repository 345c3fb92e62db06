"""`[watch]` of node.toml: strict."""

import pytest

from rebuilders.node.config import parse
from tests.unit.feed.world import NODE
from witness.errors import InputError


def test_everything_has_a_default_and_nothing_is_watched_without_the_table():
    assert parse(NODE, "node.toml").watch is None
    watch = parse(f'{NODE}[watch]\nprojects = ["Flask_Foo"]\n', "node.toml").watch
    assert watch.projects == ["flask-foo"]
    assert (watch.versions, watch.pure_only, watch.interval, watch.everything) == (
        "latest",
        True,
        3600,
        False,
    )


@pytest.mark.parametrize(
    "text",
    ['projects = ["not a name"]', 'projects = ["../x"]', "projects = [1]", 'versions = "old"', "minutes = 0",
     "unknown = 1",     'changelog = "ftp://x"', "requests-per-second = 1000.0", "everything = 1", 'files = [""]'],
)  # fmt: skip
def test_refused(text):
    with pytest.raises(InputError, match=r"node\.toml: watch\."):
        parse(f"{NODE}[watch]\n{text}\n", "node.toml")
