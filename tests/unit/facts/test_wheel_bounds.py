"""The texts of a published wheel are hostile: bounded before a parser of mails sees them."""

from dataclasses import replace

import pytest

from rebuilders.facts.wheel import wheel_facts
from tests.wheels import DIST_INFO, FILES, METADATA, WHEEL, zip_of
from witness.errors import Malformed
from witness.wheel.reader import read_wheel


def facts(**texts):
    told = {f"{DIST_INFO}/{name}": text for name, text in texts.items()}
    return wheel_facts(read_wheel(zip_of(replace(f, content=told.get(f.name, f.content)) for f in FILES)))


@pytest.mark.parametrize(
    "more", [b"a:\n" * 200_000, b"a:\r" * 200_000, b"\n" + b"x" * (4 << 20)], ids=["fields", "of CR", "bytes"]
)
@pytest.mark.parametrize("name", ["METADATA", "WHEEL"])
def test_texts_are_bounded(name, more):
    text = {"METADATA": METADATA, "WHEEL": WHEEL}[name]
    assert facts(**{name: text + more[: len(more) // 2]}).dist_info == DIST_INFO
    with pytest.raises(Malformed, match=f"{name}.* more than"):
        facts(**{name: text + more})
