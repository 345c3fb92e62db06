"""Every page has a path that every system can have, whatever a project is called, and no two have the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from rebuilders.site import paths
from witness.store.interface import check_path

SHA = "ab" * 32
ODD = [
    "con",
    "aux",
    "com1",
    "nul",
    "-",
    "--",
    "?",
    "a" * 255,
    "_",
    "..",
    "a/b",
    "",
    "a.b",
    "lpt9",
    "CON",
    "x_y",
]
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,200}[a-z0-9])?", fullmatch=True).map(canonicalize_name)


def of(project):
    return [
        *paths.of_project(project, 1000),
        paths.project_page(project, 3),
        *(paths.browse_page(project[:length]) for length in range(12)),
        *(paths.shard(project[:length]) for length in range(12)),
    ]


@pytest.mark.parametrize("project", ODD)
def test_odd_names(project):
    for path in of(project):
        check_path(path)


def test_odd_names_are_told_apart():
    assert len({paths.slug(project) for project in ODD}) == len(ODD)


@given(NAMES)
def test_names(project):
    for path in of(project):
        check_path(path)


@given(st.text(max_size=300))
def test_any_text(project):
    for path in of(project):
        check_path(path)


@given(st.lists(st.one_of(NAMES, st.sampled_from(ODD)), unique=True, max_size=20))
def test_no_two_projects_share_a_path(projects):
    taken = [path for project in projects for path in paths.of_project(project, 1000)]
    assert len(set(taken)) == len(taken)


def test_a_plain_name_is_its_own():
    assert paths.project_page("requests") == "project/requests.html"
    assert paths.file_page(SHA) == f"file/ab/{SHA}.html"


def test_references():
    assert paths.relative("index.html", "site.css") == "site.css"
    assert paths.relative(paths.file_page(SHA), "site.css") == "../../site.css"
