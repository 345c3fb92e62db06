"""`kill -9` at random points of making pages: no reference leads nowhere, and the next run ends where it should.

`WHEELWITNESS_KILL_ROUNDS` asks for more rounds than a test run has time for.
"""

import os
import random
import time
from datetime import timedelta

from rebuilders.site.making import pages_of_node
from tests.integration.killing import nursery
from tests.integration.trusted_nodes import Node
from tests.site_logs import BEGIN, grow, observations, observed, releases
from tests.site_tree import broken, pages

ROUNDS = int(os.environ.get("WHEELWITNESS_KILL_ROUNDS", "12"))
NODE = Node("node-a", "Operator A")


def test_making_pages_survives_kill_9(tmp_path):
    chance = random.Random(20261124)
    known = releases(60)
    site = grow(NODE, tmp_path, observations(NODE, known))
    # Bundles are what a signer puts there; nothing here follows those links.
    elsewhere = ("observations/",)
    pages_of_node(site, tmp_path / "state")
    assert broken(site, elsewhere) == []
    with nursery("tests.integration.site_loop", tmp_path) as kill_after:
        for round_ in range(ROUNDS):
            fresh = releases(400 + 20 * round_)[60 + 20 * round_ : 80 + 20 * round_]
            said = observations(NODE, fresh, seed=round_)
            at = BEGIN + timedelta(days=200 + round_)
            said += [observed(NODE, chance.choice(known), "mismatch", None, finished=at)]
            grow(NODE, tmp_path, said)
            known += fresh
            kill_after(lambda: time.sleep(chance.uniform(0.02, 0.6)))
            assert broken(site, elsewhere, reachable=True) == []
    pages_of_node(site, tmp_path / "state")
    # As if nothing had happened.
    undisturbed = grow_again(tmp_path, site)
    assert pages(site) == pages(undisturbed)


def grow_again(root, site):
    """The pages of the same log, made at once in another place."""
    import shutil

    other = root / "other" / "site"
    other.mkdir(parents=True)
    for name in ("node.json", "checkpoint"):
        shutil.copy(site / name, other / name)
    shutil.copytree(site / "tile", other / "tile")
    pages_of_node(other, root / "other" / "state")
    return other
