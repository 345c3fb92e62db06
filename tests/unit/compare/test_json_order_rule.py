"""metadata.json and pbr.json: the order of their keys, and nothing else."""

import pytest

from tests.pairs import release, used

ONE = b'{"a": {"x": 1, "y": [1, 2]}, "b": "t"}'


def equal(ours, theirs, name="metadata.json"):
    return used(*(release(about={name: content}) for content in (ours, theirs)))


@pytest.mark.parametrize("name", ["metadata.json", "pbr.json"])
@pytest.mark.parametrize(
    "theirs",
    [
        b'{"b": "t", "a": {"x": 1, "y": [1, 2]}}',
        b'{"b":"t","a":{"y":[1,2],"x":1}}\n',
        ONE.replace(b" ", b"\n "),
    ],
)
def test_another_order(name, theirs):
    assert equal(ONE, theirs, name) == {"json-order@1"}


@pytest.mark.parametrize(
    "theirs",
    [
        b'{"b": "t", "a": {"x": 2, "y": [1, 2]}}',
        b'{"b": "t", "a": {"x": 1, "y": [2, 1]}}',
        b'{"b": "t", "a": {"x": 1.0, "y": [1, 2]}}',
        b'{"b": "t", "a": {"x": "1", "y": [1, 2]}}',
        b'{"b": "t", "a": {"x": true, "y": [1, 2]}}',
        b'{"b": "t", "a": {"x": 1, "y": [1, 2]}, "c": null}',
        b'{"b": "t", "b": "t", "a": {"x": 1, "y": [1, 2]}}',
        b'{"b": "t", "a": {"x": 1, "y": [1, 2], "z": NaN}}',
        b'{"b": "t", "a": {"x": 1, "y": [1, 2]}} {}',
        b"[" * 100_000,
        b"\xff",
        b"",
    ],
)
def test_anything_else(theirs):
    assert equal(ONE, theirs) is None


def test_other_files_are_not_judged():
    assert equal(ONE, ONE + b"\n", "other.json") is None
    assert equal(b"[" * 65 + b"1" + b"]" * 65, b"[" * 65 + b"1 " + b"]" * 65) is None
    assert equal(b"[" * 60 + b"1" + b"]" * 60, b"[" * 60 + b"1 " + b"]" * 60) == {"json-order@1"}
