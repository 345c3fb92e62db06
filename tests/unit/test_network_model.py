"""The network of tools/simulate_network.py, small: what must hold of it, and that it counts as policies do."""

import math
from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random
from xml.etree import ElementTree as ET

import pytest

from rebuilders.node.shares import Shares
from tests.integration.trusted_nodes import NOW, SHA, WHEEL, Node, policy, stated
from tools.network_chart import chart
from tools.network_model import (
    DAY,
    HOUR,
    NEVER,
    Seen,
    World,
    files_of,
    members_of,
    nodes_of,
    orders_of,
    outcome,
    owners_in,
    reached,
)
from tools.network_run import Stage, simulate
from witness.evidence import Artifact, Evidence, Silence
from witness.verdict import decide

WORLD = World(
    nodes=12, days=24, uploads=300, seed=7, leaving=6 / (365 * DAY), joining=6 / (365 * DAY), backlog=20_000
)


@cache
def stage(**changes) -> Stage:
    return Stage.of(replace(WORLD, **changes))


@cache
def run(redundancy=3, *, later=False):
    return simulate(stage(), redundancy, later=later)


RUNS = pytest.mark.parametrize(("redundancy", "later"), [(1, False), (3, False), (5, False), (3, True)])


def test_the_same_seed_gives_the_same_and_another_another():
    assert stage() == Stage.of(WORLD)
    assert simulate(stage(), 3).seen == run().seen
    assert files_of(replace(WORLD, seed=8)) != stage().files


def test_the_network_has_what_it_is_made_for():
    nodes, end = stage().nodes, WORLD.days * DAY
    assert any(node.joins > 0 for node in nodes)
    assert any(node.leaves < end for node in nodes)
    assert {node.kind.name for node in nodes} == {"server", "desktop", "CI, nightly"}
    assert len({members for _, members in stage().members}) > 1


@RUNS
def test_no_job_is_lost_or_done_twice(redundancy, later):
    done = run(redundancy, later=later)
    assert done.assigned == len(done.seen) + done.waiting + done.given_up
    assert len({(item.file, item.node) for item in done.seen}) == len(done.seen)
    assert done.given_up < done.assigned / 100


@RUNS
def test_nobody_works_before_the_upload_or_while_away(redundancy, later):
    for item in run(redundancy, later=later).seen:
        node = stage().nodes[item.node]
        assert stage().files[item.file].at <= item.finished <= item.published
        assert node.joins <= item.finished <= node.leaves
        assert any(start <= item.finished <= end + 1e-3 for start, end in node.spans)


def test_time_up_and_time_are_told_from_each_other():
    for node in stage().nodes:
        assert all(one[1] <= other[0] for one, other in zip(node.spans, node.spans[1:], strict=False))
        total = node.work_at(NEVER)
        assert total == pytest.approx(sum(end - start for start, end in node.spans))
        for part in (0.01, 0.3, 0.7, 0.99):
            assert node.work_at(node.time_of(total * part)) == pytest.approx(total * part)
        assert node.time_of(total + 1) == NEVER


@RUNS
def test_a_share_is_what_shares_say_it_is(redundancy, later):
    """Files before the first change of the list go to nobody but the owners, as each node finds them for itself."""
    members = {stage().nodes[number].name for number in stage().members[0][1]}
    shares = Shares(tuple(members), redundancy)
    for number in range(0, len(stage().files), 37):
        found = owners_in(stage().orders[number], stage().members[0][1], redundancy)
        names = {stage().nodes[place].name for place in found}
        assert names == {name for name in members if shares.mine(name, stage().files[number].key)}


def test_orders_that_are_cut_too_early_are_noticed():
    with pytest.raises(ValueError, match="too few members"):
        owners_in((5, 6), frozenset({1, 2, 3}), 2)


@RUNS
def test_coverage_only_grows_and_more_witnesses_take_no_less_time(redundancy, later):
    done = run(redundancy, later=later)
    covered = [done.backlog_done(1, day * DAY) for day in range(WORLD.days + 1)]
    assert covered == sorted(covered)
    for seen in done.by_file():
        assert [reached(seen, threshold) for threshold in (1, 2, 3)] == sorted(
            reached(seen, threshold) for threshold in (1, 2, 3)
        )
    half = WORLD.days * DAY / 2
    one, week = done.witnesses(HOUR), done.witnesses(7 * DAY)
    assert sum(one.values()) == sum(week.values()) == len(done.delays(2))
    assert sum(count * files for count, files in one.items()) <= sum(
        count * files for count, files in week.items()
    )
    assert len(done.delays(2)) == sum(file.nature == "equal" and file.at < half for file in stage().files)


def test_everyone_in_the_end_sees_more_than_shares_alone():
    assert sum(delay < DAY for delay in run(later=True).delays(3)) > sum(
        delay < DAY for delay in run().delays(3)
    )


def test_a_quorum_never_counts_a_node_twice():
    seen = [Seen(0, 4, "match", 5.0, at, 5.0) for at in (10.0, 20.0, 30.0)]
    assert reached(seen, 1) == 10
    assert reached(seen, 2) == NEVER
    assert outcome(seen, 2, 100) == "insufficient"
    assert reached([*seen, Seen(0, 5, "match", 5.0, 40.0, 5.0)], 2) == 40
    for seen in run(5).by_file():
        for threshold in (2, 3):
            at = reached(seen, threshold)
            if at < NEVER:
                assert (
                    len({item.node for item in seen if item.result == "match" and item.counts <= at})
                    >= threshold
                )


def voters(threshold: int):
    nodes = tuple(Node(node.name, f"Operator {number}") for number, node in enumerate(stage().nodes))
    return nodes, policy(*nodes, threshold=threshold)


def decided(seen, threshold: int, at: float) -> str:
    """What the real policy makes of real signatures, `at` being NOW."""
    nodes, rules = voters(threshold)
    spoken = [item for item in seen if item.published <= at]
    observations = [
        nodes[item.node].verified(
            stated(nodes[item.node], item.result, finished=NOW + timedelta(seconds=round(item.stated - at)))
        )
        for item in spoken
    ]
    quiet = {node.name for node in nodes} - {nodes[item.node].name for item in spoken}
    silent = [
        Silence(node.name, node.operator, "nothing", reachable=True) for node in nodes if node.name in quiet
    ]
    artifact = Artifact(SHA, WHEEL, "demo", "1.0")
    return decide(artifact, Evidence(tuple(observations), tuple(silent)), rules, NOW).outcome


def test_it_counts_as_policies_do():
    random, found = Random(1), set()
    by_file = run(5).by_file()
    different = [number for number, file in enumerate(stage().files) if file.nature != "equal"]
    for number in (*random.sample(different, 12), *random.sample(range(len(by_file)), 30)):
        seen, threshold = by_file[number], random.choice((2, 3))
        times = [item.counts for item in seen] + [item.published for item in seen]
        at = stage().files[number].at + random.choice((0.5, 1, 12, 48)) * HOUR
        for moment in (
            at,
            stage().files[number].at,
            *(time + 5 for time in random.sample(times, min(2, len(times))) if time < NEVER),
        ):
            expected = outcome(seen, threshold, moment)
            assert decided(seen, threshold, moment) == expected
            found.add(expected)
            if stage().files[number].nature == "equal":
                assert (reached(seen, threshold) <= moment) == (expected == "reproduced")
    assert found >= {"reproduced", "divergent", "insufficient", "unattempted"}


@pytest.mark.parametrize(
    ("results", "stated_at", "expected"),
    [
        (["match", "match"], 0.0, "reproduced"),
        (["match", "match"], 2 * DAY, "insufficient"),
        (["match", "match"], -2 * DAY, "reproduced"),
        (["match", "match", "mismatch"], 0.0, "disputed"),
        (["mismatch", "build-failed"], 0.0, "divergent"),
        (["build-failed", "build-failed"], 0.0, "unbuildable"),
        (["match", "build-failed"], 0.0, "insufficient"),
        ([], 0.0, "unattempted"),
    ],
)
def test_it_counts_as_policies_do_in_a_table(results, stated_at, expected):
    """`stated_at`: how far the clocks of these nodes are ahead."""
    seen = [Seen(0, place, result, 10.0, 20.0, 10.0 + stated_at) for place, result in enumerate(results)]
    assert outcome(seen, 2, 100.0) == decided(seen, 2, 100.0) == expected


def test_published_results_wait_for_a_window_to_end():
    done = simulate(stage(window=DAY), 3)
    for item in done.seen:
        if item.published < NEVER:
            assert math.floor(item.published / DAY) > math.floor(item.finished / DAY) or (
                item.finished % DAY < 1 or item.published - item.finished < 1
            )


def test_orders_of_all_who_ever_come_serve_every_list():
    """What `orders_of` relies on, checked for every list of members that there was."""
    nodes, files = nodes_of(WORLD), files_of(WORLD)[::101]
    orders = orders_of(files, nodes)
    for _, members in members_of(WORLD, nodes):
        shares = Shares(tuple(nodes[number].name for number in members), 3)
        for file, order in zip(files, orders, strict=True):
            assert tuple(nodes[n].name for n in owners_in(order, members, 3)) == shares.owners(file.key)


def test_a_chart_is_well_formed_and_needs_nothing_else():
    text = chart(
        "A title & <more>",
        {"2 of 3": [(0.1, 0.0), (1.0, 0.5), (100.0, 1.0)], "4": [(0.1, 0.2), (100.0, 0.9)]},
    )
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    assert "A title & <more>" in {element.text for element in root.iter()}
    assert "href" not in text
    assert "url(" not in text
