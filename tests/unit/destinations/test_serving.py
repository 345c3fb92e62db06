"""How each kind of file is served, by `rebuilder serve` and by object storage."""

import pytest

from rebuilders.serving import BRIEFLY, FOREVER, served


@pytest.mark.parametrize(
    ("path", "kind", "cached", "compressed"),
    [
        ("tile/0/000", "application/octet-stream", FOREVER, False),
        ("tile/0/x001/234.p/5", "application/octet-stream", FOREVER, False),
        ("tile/entries/000", "application/octet-stream", FOREVER, False),
        ("checkpoint", "text/plain; charset=utf-8", BRIEFLY, False),
        ("cosigned/" + "0" * 64 + "/checkpoint", "text/plain; charset=utf-8", BRIEFLY, False),
        ("lookup/7/0e00", "text/plain; charset=utf-8", BRIEFLY, True),
        ("lookup/width.json", "application/json", BRIEFLY, False),
        ("observations/00/" + "0" * 64 + ".jsonl", "application/jsonl", BRIEFLY, False),
        ("index.html", "text/html; charset=utf-8", BRIEFLY, False),
        ("project/tile/0.html", "text/html; charset=utf-8", BRIEFLY, False),
        ("style.css", "text/css; charset=utf-8", BRIEFLY, False),
        ("project/six.exe", "application/octet-stream", BRIEFLY, False),
        ("project/html", "application/octet-stream", BRIEFLY, False),
    ],
)
def test_served(path, kind, cached, compressed):
    how = served(path)
    assert (how.content_type, how.cache_control, how.compressed) == (kind, cached, compressed)
