"""What docs/explanation/scale.md says of the size of a site, as far as a small log shows it (tools/bench_growth.py)."""

import re

from tests.unit.docs.pages import DOCS
from tools.bench_growth import growth_rows


def test_a_site_grows_by_as_much_as_the_page_says(tmp_path):
    text = (DOCS / "explanation" / "scale.md").read_text("utf-8")
    (told,) = re.findall(r"^\| 1000 \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    ((size, row),) = growth_rows((300,), tmp_path)
    assert row["shards: files"] == size == 300
    for part, expected in zip(("entries", "tiles", "shards", "lookup"), map(int, told), strict=True):
        assert 0.9 * expected < row[f"{part}: B each"] < 1.1 * expected, part
