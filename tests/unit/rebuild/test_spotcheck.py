"""Which claims are drawn, and what a rebuild of our own says of each."""

from collections import Counter
from datetime import timedelta

import pytest

from rebuilders.observe import observe
from rebuilders.spotcheck import SCHEMA, Draw, judge, target_of, untried, worst
from tests.integration.trusted_nodes import ALPHA, BETA, NOW, Node, stated
from tests.sdists import sdist_of
from tests.wheels import File, wheel_of, with_file, zip_of
from tests.workbench import Bench, built, failed, target
from witness.claims import sample_log
from witness.digest import sha256_hex
from witness.errors import InputError
from witness.statement import Statement

HONEST = wheel_of()
MOVED = zip_of(with_file(0, time=99))
OTHER = wheel_of(File("demo/extra.py", b"x"))


def report(*jobs, **facts):
    return Bench(list(jobs)).rebuild(lambda: target(**facts))


def said_of(found, **changes):
    """What a node says that saw `found`."""
    said = observe(found, builder="node", isolation="none", started=NOW, finished=NOW, previous=None)
    return Statement(said.filename, said.sha256, said.observation.model_copy(update=changes))


EQUAL = report(built(HONEST))
CLAIM = said_of(EQUAL)


def digests(**changes):
    comparison = CLAIM.observation.comparison
    return {
        "comparison": comparison.model_copy(
            update={"published": comparison.published.model_copy(update=changes)}
        )
    }


@pytest.mark.parametrize(
    ("said", "ours", "outcome", "reason"),
    [
        (CLAIM, EQUAL, "confirmed", "equal at level bitwise"),
        (CLAIM, report(built(MOVED)), "weaker", "level archive only"),
        (said_of(report(built(MOVED))), EQUAL, "confirmed", "level bitwise"),
        (CLAIM, report(*[built(OTHER)] * 16), "refuted", "our rebuild differs: demo/extra.py (only-in-rebuilt)"),
        (CLAIM, report(*[failed()] * 16), "untried", "not rebuilt"),
        (CLAIM, report(built(HONEST), sdist=sdist_of({"more.py": b""})), "untried", "another sdist"),
        (CLAIM, report(sdist=False), "untried", "another sdist"),
        (said_of(EQUAL, source=None), EQUAL, "untried", "another sdist"),
        (CLAIM, report(built(OTHER), data=OTHER), "untried", "another file of this name"),
        (said_of(EQUAL, **digests(payload_digest="0" * 64)), EQUAL, "refuted", "not those of the published file"),
        (said_of(EQUAL, **digests(dist_info_digest="0" * 64)), report(*[built(OTHER)] * 16), "refuted", "not those"),
    ],
)  # fmt: skip
def test_what_a_rebuild_says_of_a_claim(said, ours, outcome, reason):
    spot = judge(3, said, ours, canary=False)
    assert spot.outcome == outcome
    assert reason in spot.reason


def test_a_line_of_the_file():
    line = judge(3, CLAIM, EQUAL, canary=True).wire("node/log", 9, "seed\x1b")
    assert line["schema"] == SCHEMA
    assert (line["log"], line["size"], line["index"], line["canary"]) == ("node/log", 9, 3, True)
    assert "\x1b" not in line["seed"]
    assert line["claimed"]["level"] == "bitwise"
    assert line["claimed"]["source"] == EQUAL.target.sdist.sha256
    assert line["rebuild"]["result"] == "match"
    assert untried(3, CLAIM, "no answer", canary=False).wire("node/log", 9, "s")["rebuild"] is None


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["confirmed", "refuted", "untried"], 1),
        (["confirmed", "untried"], 0),
        (["weaker"], 0),
        (["untried"], 3),
        ([], 3),
    ],
)
def test_exit_codes(outcomes, code):
    assert worst(Counter(outcomes)) == code


def many(count, **changes):
    return [
        stated(
            ALPHA,
            sha256=sha256_hex(f"{number}".encode()),
            filename=f"d{number}-1.0-py3-none-any.whl",
            **changes,
        )
        for number in range(count)
    ]


def drawn(draw, said, count):
    ranked = [(draw.priority(item, index, len(said)), index) for index, item in enumerate(said)]
    return [index for value, index in sorted(ranked, reverse=True) if value is not None][:count]


def test_a_seed_draws_the_same_again_and_another_something_else():
    said = many(200)
    assert drawn(Draw("a"), said, 20) == drawn(Draw("a"), said, 20)
    assert set(drawn(Draw("a"), said, 20)) != set(drawn(Draw("b"), said, 20))


def test_what_is_no_rebuilt_match_is_not_drawn():
    for said in (
        stated(ALPHA, "mismatch"),
        stated(ALPHA, "build-failed"),
        stated(ALPHA, level="metadata", method="static"),
    ):
        assert Draw("a").priority(said, 0, 1) is None


@pytest.mark.parametrize("canary", ["d7-1.0-py3-none-any.whl", "d7==1.0"])
def test_canaries_come_first(canary):
    said = many(200)
    for seed in map(str, range(20)):
        assert drawn(Draw(seed, frozenset({canary})), said, 1) == [7]
    assert not Draw("a", frozenset({canary})).is_canary(stated(ALPHA, filename="no wheel"))


def test_what_gains_a_liar_the_most_is_tried_the_most():
    """Over many seeds; the shares are those of the weights, within wide bounds."""
    said = [*many(50, level="metadata"), *many(50, level="bitwise")]
    said = [Statement(item.filename, sha256_hex(b"%d" % n), item.observation) for n, item in enumerate(said)]
    picked = [index for seed in range(400) for index in drawn(Draw(f"s{seed}"), said, 1)]
    newer = sum(index >= 50 for index in picked)
    assert newer > 300  # 4 times by level, and about 2 times by age: 8 of 9
    same = many(100)
    recent = sum(index >= 50 for seed in range(400) for index in drawn(Draw(f"s{seed}"), same, 1))
    assert 200 < recent < 350


def log_of(tmp_path, said, *, node=ALPHA):
    return str(node.publish(tmp_path, said))


def sampled(location, *, count=10, name="alpha"):
    identity, draw = ALPHA.identity, Draw("a")
    keys = [key.text for key in identity.keys]
    return sample_log(location, identity.log_key.text, keys, name, priority=draw.priority, count=count)


def test_a_log_is_sampled_by_the_newest_of_each_file(tmp_path):
    said = many(6)
    location = log_of(tmp_path, said)
    log_of(tmp_path, [stated(ALPHA, "mismatch", sha256=said[2].sha256, finished=NOW - timedelta(hours=1))])
    sample = sampled(location)
    assert (sample.origin, sample.size, sample.candidates, sample.strange) == ("alpha.example/log", 7, 5, 0)
    assert said[2].sha256 not in {item.sha256 for _, item in sample.claims}
    assert [index for index, _ in sampled(location, count=2).claims] == [index for index, _ in sample.claims][
        :2
    ]
    assert all(target_of(item).wheel.filename == item.filename for _, item in sample.claims)


def test_what_the_witness_has_not_said_is_no_claim_of_it(tmp_path):
    location = log_of(tmp_path, many(3))
    assert sampled(location, name="omega").strange == 3
    impostor = Node("alpha", "Operator A")
    keys = [BETA.identity.keys[0].text]
    vkey = impostor.identity.log_key.text
    sample = sample_log(location, vkey, keys, "alpha", priority=Draw("a").priority, count=5)
    assert (sample.strange, sample.claims) == (3, ())


@pytest.mark.parametrize(
    ("log_key", "key"), [("nonsense", ""), (ALPHA.identity.log_key.text, "ed25519:AA==")]
)
def test_keys_that_are_none(tmp_path, log_key, key):
    with pytest.raises(InputError, match="key"):
        sample_log(str(tmp_path), log_key, [key], "alpha", priority=Draw("a").priority, count=5)
