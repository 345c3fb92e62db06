"""A user's home for every test here."""

import pytest

from tests.everywhere.scenes import make_home


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path)
