"""The id of the rule set changes with everything that changes the result of a comparison."""

import zlib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from witness.compare.rules import catalogue
from witness.compare.rules.catalogue import PARTS, RULES, rule_set_id

ROOT = Path(__file__).parents[3] / "witness"

# The code of every module that decides, without comments and blank lines. Where this fails, ask: can the result of any
# comparison be another one than before? Then raise a version first: of the rule, in its row, or of the part, in PARTS.
# Then pin the new digest here, which the message tells.
PINS = {
    "compare/ladder.py": "1bcea73c27ee22a8",
    "compare/regenerate.py": "6088d14b8e32c7b6",
    "compare/rules/bytecode.py": "c3acc12fb48ba388",
    "compare/rules/catalogue.py": "90271b339019c679",
    "compare/rules/compressed.py": "2263865d803e2735",
    "compare/rules/entry_points.py": "6cc90f4d59b58600",
    "compare/rules/headers.py": "4855492d254adb99",
    "compare/rules/json_files.py": "6e3325f0b9172e7c",
    "compare/rules/line_ends.py": "d01ee7663e70920e",
    "compare/rules/marshal_stream.py": "b1ab72288e24c316",
    "compare/rules/metadata.py": "accd593e8d82b0de",
    "compare/rules/record.py": "7c593a008a2534c0",
    "compare/rules/requirement.py": "68ee7ef28d4dfbe9",
    "compare/rules/rule.py": "2bb1a53f39570711",
    "compare/rules/sbom.py": "7948742ca4886b36",
    "compare/rules/strict_json.py": "51316bae0ffb8469",
    "compare/rules/top_level.py": "401402745ca463f8",
    "compare/rules/wheel_file.py": "eda1e5aca5be00c4",
    "names.py": "dc4371491a55497f",
    "wheel/ambiguity.py": "c14179c889e45cb2",
    "wheel/archive.py": "14b308c3459d87c8",
    "wheel/conformance.py": "2830a9ade300a4cf",
    "wheel/entry.py": "f91df5d251287fa9",
    "wheel/headers.py": "269b09e8f90c77d8",
    "wheel/manifest.py": "0fe616de92d14d41",
    "wheel/paths.py": "45a6c05e96b1924f",
    "wheel/reader.py": "cd8ff97456cd8a33",
    "wheel/record.py": "b16d592a9c0c72d2",
}


def code_of(path):
    lines = (line.rstrip() for line in path.read_text("utf-8").split("\n"))
    kept = [line for line in lines if line and not line.lstrip().startswith("#")]
    return sha256("\n".join(kept).encode()).hexdigest()[:16]


def test_what_decides_is_what_the_versions_were_given_to():
    paths = [path for folder in ("wheel", "compare") for path in (ROOT / folder).rglob("*.py")]
    paths.append(ROOT / "names.py")
    found = {str(path.relative_to(ROOT)): code_of(path) for path in paths if path.name != "__init__.py"}
    assert found == PINS, "see the comment above PINS"


def test_the_versions_are_these():
    assert sorted((*PARTS, *(rule.id for rule in RULES))) == [
        "archive@1", "bytecode-flags@1", "catalogue@1", "conformance@1", "dist-info-line-ends@1",
        "entry-points@1", "generator@1",
        "gzip@1", "json-order@1", "ladder@1", "manifest@1", "metadata-blank-head@1",
        "metadata-blank-tail@1", "metadata-dynamic@1", "metadata-license-file@1",
        "metadata-line-ends@1", "metadata-order@2", "metadata-unknown@1", "metadata-version@1", "names@1",
        "purelib-case@1",
        "reader@1", "record-complete@1", "regenerate@1", "requires-dist-spelling@1", "sbom-serial@1",
        "source-line-ends@1", "tag-order@1", "top-level@1", "wheel-blank-tail@1",
    ]  # fmt: skip


CHANGES = {
    "a rule less": ("RULES", RULES[1:]),
    "a version": ("RULES", (replace(RULES[0], id="metadata-order@3"), *RULES[1:])),
    "a rule more": ("RULES", (*RULES, replace(RULES[0], id="new@1"))),
    "a part": ("PARTS", ("ladder@2", *PARTS[1:])),
    "a manifest": ("_MANIFESTS", ("wheelwitness-payload-v2",)),
}


@pytest.mark.parametrize(("name", "value"), CHANGES.values(), ids=CHANGES)
def test_the_id_changes_with_what_is_in_it(monkeypatch, name, value):
    before = rule_set_id()
    assert before == rule_set_id()
    monkeypatch.setattr(catalogue, name, value)
    assert rule_set_id() != before


@pytest.mark.parametrize(
    ("module", "name"), [(catalogue.unicodedata, "unidata_version"), (zlib, "ZLIB_RUNTIME_VERSION")]
)
def test_the_id_changes_with_what_python_brings(monkeypatch, module, name):
    before = rule_set_id()
    monkeypatch.setattr(module, name, "99.0")
    assert rule_set_id() != before
    assert rule_set_id().startswith(before.partition("+")[0])


def test_the_order_of_rows_does_not_matter(monkeypatch):
    before = rule_set_id()
    monkeypatch.setattr(catalogue, "RULES", RULES[::-1])
    assert rule_set_id() == before
    assert len(before) < 100
