"""A batch can be cut off anywhere: what its file holds stands, and nothing is done twice."""

import json
from dataclasses import dataclass, field

import pytest

from rebuilders.batch import read_list, run
from rebuilders.result import incomplete_json, to_json
from tests.mangling import prefixes
from tests.wheels import wheel_of
from tests.workbench import Bench, built, failed
from witness.errors import FetchFailed, Incomplete, InputError
from witness.names import TargetName

TARGETS = [TargetName.parse(f"demo=={n}") for n in (1, 2, 3)]
MATCH = Bench([built(wheel_of())]).rebuild()
FAILED = Bench([failed()] * 9, versions=("3.13.1",)).rebuild()


@dataclass
class FakeBatch:
    """Results without processes; `ends` raises after so many."""

    ends: int = 99
    asked: list = field(default_factory=list)
    incomplete: bool = False

    def results(self, targets):
        for target in targets:
            if len(self.asked) >= self.ends:
                raise KeyboardInterrupt
            self.asked.append(str(target))
            made = incomplete_json(target, FetchFailed("x")) if self.incomplete else to_json(MATCH, target)
            yield {"input": str(target), **made}


def lines(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def go(out, batch=None):
    steps = []
    batch = batch or FakeBatch()
    return run(batch, TARGETS, out, lambda: steps.append(1)), batch.asked, len(steps)


def test_a_batch(tmp_path):
    out = tmp_path / "results.jsonl"
    counts, asked, steps = go(out)
    assert (counts, asked, steps) == ({"match": 3}, [str(target) for target in TARGETS], 3)
    assert [line["input"] for line in lines(out)] == asked
    assert go(out) == ({"match": 3}, [], 0)


def test_it_goes_on_where_it_stopped(tmp_path):
    out = tmp_path / "results.jsonl"
    with pytest.raises(KeyboardInterrupt):
        go(out, FakeBatch(ends=2))
    assert go(out)[1] == ["demo==3"]
    assert len(lines(out)) == 3


def test_a_line_cut_anywhere_is_done_again(tmp_path):
    out = tmp_path / "results.jsonl"
    go(out)
    whole = out.read_bytes()
    first = len(whole) - len(whole.splitlines(keepends=True)[-1])
    for data in list(prefixes(whole))[first::37]:
        out.write_bytes(data)
        assert go(out)[1] == ["demo==3"]
        assert [line["input"] for line in lines(out)] == [str(target) for target in TARGETS]


@pytest.mark.parametrize(
    "line",
    [b"{", b"{}", b'{"input":"demo==1"}', b'{"input":5,"result":"match","failure":null}',
     b'{"input":"demo==1","result":"match","failure":null}',
     b'{"schema":"rebuild-result/1","input":"demo==1","result":"match"}',
     b'{"schema":"rebuild-result/1","input":"demo==1","result":"match","failure":"x"}',
     b'{"input":"demo==1","result":"match","failure":"x"}'],
)  # fmt: skip
def test_lines_that_are_none_are_dropped(tmp_path, line):
    out = tmp_path / "results.jsonl"
    out.write_bytes(line + b"\n")
    assert len(go(out)[1]) == 3
    assert len(lines(out)) == 3


@pytest.mark.parametrize("text", ["hello\n", "six==1.17.0", "[]\n", "5\n", "\n", '{"a":1}\nhello\n'])
def test_a_file_of_something_else_is_left_alone(tmp_path, text):
    out = tmp_path / "targets.txt"
    out.write_text(text)
    with pytest.raises(InputError, match="not a result of a batch"):
        go(out)
    assert out.read_text() == text


def test_what_could_not_be_completed_is_tried_again_and_what_failed_is_not(tmp_path):
    out = tmp_path / "results.jsonl"
    assert go(out, FakeBatch(incomplete=True))[0] == {"not-attempted": 3}
    assert go(out)[0] == {"match": 3}
    out.write_text(json.dumps({"input": "demo==1", **to_json(FAILED, TARGETS[0])}) + "\n")
    counts, asked, _ = go(out)
    assert (counts, asked) == ({"build-failed": 1, "match": 2}, ["demo==2", "demo==3"])


def test_a_file_that_is_whole_is_left_as_it_is(tmp_path):
    out = tmp_path / "results.jsonl"
    go(out)
    before = out.stat()
    go(out)
    assert (out.stat().st_ino, out.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "none" / "x.jsonl", tmp_path / "file" / "x.jsonl"):
        batch = FakeBatch()
        with pytest.raises(InputError):
            go(out, batch)
        assert batch.asked == []
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError):
        go(tmp_path / "binary")
    assert (tmp_path / "binary").read_bytes() == b"\xff\xfe"


def test_a_full_disk(tmp_path):
    out = tmp_path / "results.jsonl"

    class Full(FakeBatch):
        def results(self, targets):
            yield from list(super().results(targets))[:1]
            raise OSError(28, "No space left on device")

    with pytest.raises(Incomplete, match="No space left") as caught:
        go(out, Full())
    assert "goes on" in caught.value.hint
    assert len(lines(out)) == 1


def test_lists(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# mine\nsix==1.17.0  # a comment\n\n  Six==1.17.0\ndemo-1.0-py3-none-any.whl\n")
    assert [str(target) for target in read_list(path)] == ["six==1.17.0", "demo-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"six==1\nsix\n", "line 2: 'six' is neither"), (b"\xff", "decode"), (None, "No such file")],
)
def test_lists_that_cannot_be_read(tmp_path, data, message):
    path = tmp_path / "list.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_list(path)
