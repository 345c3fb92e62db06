"""How files stand: what several nodes and operators say, taken together; and what is called a regression."""

import pytest

from rebuilders.site.seen import Seen, project_of
from rebuilders.site.standing import newest, regressions, standing, state_of

OPERATORS = {0: "A", 1: "A", 2: "B", 3: "C"}


def row(source=0, index=0, result="match", level="bitwise", version="1.0", **more):
    values = {
        "source": source, "index": index, "project": "demo", "version": version, "method": "rebuild", "result": result,
        "filename": f"demo-{version}-py3-none-any.whl", "sha256": version.encode().hex().ljust(64, "0"),
        "level": level if result == "match" else "", "exact": True, "finished": 100 + index, "differences": 0,
        "cause": "",
    }  # fmt: skip
    return Seen(**(values | more))


@pytest.mark.parametrize(
    ("results", "state"),
    [
        (["match"], "match"),
        (["match", "build-failed", "not-attempted"], "match"),
        (["mismatch", "build-failed"], "mismatch"),
        (["mismatch", "match"], "disputed"),
        (["disputed", "match"], "disputed"),
        (["build-failed", "not-attempted"], "build-failed"),
        (["not-attempted"], "not-attempted"),
    ],
)
def test_what_results_come_to(results, state):
    assert state_of(results) == state


def test_the_newest_of_a_node_stands_whatever_the_order():
    rows = [row(index=7, result="mismatch"), row(index=3), row(source=2, index=1)]
    assert [(one.source, one.index) for one in newest(rows)] == [(0, 7), (2, 1)]
    assert standing(rows, OPERATORS).state == "disputed"


def test_two_nodes_of_an_operator_are_one_voice():
    both = standing([row(), row(source=1), row(source=2, result="mismatch")], OPERATORS)
    assert both.voices == {"A": "match", "B": "mismatch"}
    assert (both.agreed, both.dissented, both.abstained) == (["A"], ["B"], [])


def test_an_operator_whose_nodes_disagree_does_not_agree():
    found = standing(
        [row(), row(source=1, result="mismatch"), row(source=3, result="build-failed")], OPERATORS
    )
    assert found.voices == {"A": "disputed", "C": "build-failed"}
    assert (found.state, found.agreed, found.dissented, found.abstained) == ("disputed", [], ["A"], ["C"])


def test_the_weakest_level_of_the_matches_is_told():
    found = standing(
        [row(), row(source=2, level="metadata", exact=False), row(source=3, result="mismatch")], OPERATORS
    )
    assert (found.level, found.exact) == ("metadata", False)
    assert standing([row(result="mismatch")], OPERATORS).level == ""


def files(**states):
    return [
        standing([row(version=version.strip("v").replace("_", "."), result=result)], OPERATORS)
        for version, result in states.items()
    ]


def test_a_regression_names_the_newest_older_version_that_matches():
    stood = files(v1_9="match", v1_10="match", v1_11="mismatch", v2_0="mismatch")
    told = {file.version: file.sha256 for file in stood}
    assert regressions(stood) == {told["1.11"]: "1.10", told["2.0"]: "1.10"}


@pytest.mark.parametrize(
    "states",
    [
        {"v1_0": "mismatch", "v2_0": "match"},
        {"v1_0": "match", "v2_0": "build-failed"},
        {"v1_0": "build-failed", "v2_0": "mismatch"},
        {"v1_0": "match", "v2_0": "not-attempted"},
        {},
    ],
)
def test_what_is_no_regression(states):
    assert regressions(files(**states)) == {}


def test_another_file_of_the_same_version_is_no_older_one():
    one, other = row(), row(filename="demo-1.0-py2-none-any.whl", sha256="ff" * 32, result="mismatch")
    assert regressions([standing([one], OPERATORS), standing([other], OPERATORS)]) == {}


@pytest.mark.parametrize(
    ("filename", "told"),
    [
        ("Zope.Interface-5.0-py3-none-any.whl", ("zope-interface", "5.0")),
        ("six-1.17.0.tar.gz", ("six", "1.17.0")),
        ("<script>alert(1)</script>.whl", ("?", "")),
        ("../../etc/passwd-1.0-py3-none-any.whl", ("?", "")),
        ("\u202egnp.whl", ("?", "")),
        ("", ("?", "")),
    ],
)
def test_the_project_in_a_name(filename, told):
    assert project_of(filename) == told
