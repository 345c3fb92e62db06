"""Internal links lead somewhere, tests and modules that are named exist, and no host or path is out of place."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, ROOT, pages

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@PAGES
def test_links(page):
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}{anchor}"


def test_every_page_is_in_the_table_of_contents():
    index = (DOCS / "index.md").read_text("utf-8")
    for page in DOCS.rglob("*.md"):
        name = str(page.relative_to(DOCS).with_suffix(""))
        if "_build" not in name and name != "index" and not name.startswith("adr/"):
            assert f"\n{name}\n" in index, name


def test_tests_that_the_threat_model_names():
    named = re.findall(
        r"`((?:unit|property|integration|hostile|contract|keyless)/[\w/.]*)`",
        (DOCS / "threat-model.md").read_text(),
    )
    assert len(set(named)) > 10
    for path in named:
        assert (ROOT / "tests" / path).exists(), path
        assert path.endswith(".py") or list((ROOT / "tests" / path).glob("test_*.py")), path


def test_every_row_of_the_threat_model_has_a_test_or_says_that_it_has_none():
    lines = (DOCS / "threat-model.md").read_text("utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines if line.startswith("| ")
    ]
    rows = [row for row in rows if row[0] != "can" and row[0].strip("-")]
    assert len(rows) > 50
    for row in rows:
        assert len(row) == 4, row
        can, against, _, held = row
        assert can, row
        assert against, row
        named = re.search(r"`(?:unit|property|integration|hostile|contract|keyless)/", held)
        assert named or re.match(
            r"no test|none: |not built|out of scope|comparing them is not built", held
        ), row


@PAGES
def test_files_of_ours_that_are_named(page):
    pattern = r"`((?:witness|rebuilders|tests|tools|docs)/[\w/.-]+?)`"
    for path in re.findall(pattern, page.read_text("utf-8")):
        assert (ROOT / path).exists(), path


@PAGES
def test_modules_of_ours_that_are_named(page):
    for name in re.findall(r"`((?:witness|rebuilders)\.[a-z_.]+)\w*`", page.read_text("utf-8")):
        path = ROOT / Path(*name.split("."))
        assert (
            path.is_dir() or path.with_suffix(".py").is_file() or path.parent.with_suffix(".py").is_file()
        ), name


@PAGES
def test_no_registry_is_named_by_its_host_and_no_path_is_of_one_machine(page):
    text = page.read_text("utf-8")
    assert not re.search(r"(?<!pkg:)\bpypi\.[a-z]|python[h]osted", text, re.IGNORECASE)
    assert not re.search(r"/(?:root|home|work)/", text)


def test_decisions_are_numbered_without_gaps():
    names = sorted(path.name for path in (DOCS / "adr").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
    for name in names:
        text = (DOCS / "adr" / name).read_text("utf-8")
        assert text.startswith(f"# {name[:4]}. ")
        for heading in ("## Context and problem", "## Decision", "## Consequences"):
            assert heading in text, f"{name}: {heading}"
