"""What OSS Rebuild's attestations are worth under a policy (witness.vote, witness.verdict)."""

from datetime import timedelta

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, NOW, SHA, WHEEL, policy, stated
from tests.rebuild_service import FINISHED, Service
from witness.digest import sha256_hex
from witness.evidence import Artifact, Evidence, Silence
from witness.ossrebuild.rebuild import verify_rebuild
from witness.report.details import render
from witness.verdict import decide

ARTIFACT = Artifact(SHA, WHEEL, "demo", "1.0")
SERVICE = Service()
BOTH = ("bitwise", "stabilized")


def rebuilt(*, service=SERVICE, filename=WHEEL, **more):
    return verify_rebuild(service.bundle(SHA, filename, **more), service.identity, filename, SHA)


def stabilized(**more):
    return rebuilt(rebuilt=sha256_hex(b"what was built"), **more)


def a(*args, **kwargs):
    return ALPHA.verified(stated(ALPHA, *args, **kwargs))


def b(*args, **kwargs):
    return BETA.verified(stated(BETA, *args, **kwargs))


def rules(*accept, nodes=(ALPHA, BETA), service=SERVICE, **changes):
    return policy(*nodes, services=(service.trusted(*accept),), **changes)


def judged(*observations, rebuilds=(), silent=(), chosen=None, artifact=ARTIFACT):
    evidence = Evidence(observations, tuple(silent), (), tuple(rebuilds))
    return decide(artifact, evidence, chosen or rules("bitwise"), NOW)


def test_the_same_file_counts_as_one_operator():
    verdict = judged(a(), rebuilds=[rebuilt()])
    assert (verdict.outcome, verdict.level) == ("reproduced", "bitwise")
    assert [voice.witness for voice in verdict.agreeing] == ["alpha", "oss-rebuild"]
    voice = verdict.agreeing[1]
    assert (voice.operator, voice.level, voice.log_index, voice.seen) == ("Google", "bitwise", None, FINISHED)
    assert "rebuilt from git+" in voice.reason


def test_it_is_no_quorum_by_itself():
    verdict = judged(rebuilds=[rebuilt()])
    assert (verdict.outcome, verdict.reason) == ("insufficient", "1 of the 2 operators needed agree")
    assert judged(rebuilds=[rebuilt(), rebuilt()]).outcome == "insufficient"


def test_it_joins_whatever_adds_up_and_brings_nothing_else_together():
    """Two nodes that built from different sdists stay apart."""
    chosen = rules("bitwise", threshold=3)
    apart = judged(a(), b(sdist="2" * 64), rebuilds=[rebuilt()], chosen=chosen)
    assert apart.outcome == "insufficient"
    assert len(apart.agreeing) == 2
    together = judged(a(), b(), rebuilds=[rebuilt()], chosen=chosen)
    assert (together.outcome, len(together.agreeing)) == ("reproduced", 3)


@pytest.mark.parametrize("accept", [("bitwise",), BOTH])
def test_stabilized_counts_only_where_the_policy_says_so(accept):
    verdict = judged(a(), rebuilds=[stabilized()], chosen=rules(*accept))
    if "stabilized" in accept:
        assert (verdict.outcome, verdict.level) == ("equivalent", None)
        assert [voice.level for voice in verdict.agreeing] == ["bitwise", None]
    else:
        assert verdict.outcome == "insufficient"
        assert "does not accept of it" in verdict.rejected[0].reason


def test_no_level_of_the_policy_lets_stabilized_in():
    everything = frozenset({"bitwise", "archive", "metadata", "content"})
    assert judged(a(), rebuilds=[stabilized()], chosen=rules("bitwise", accept=everything)).outcome == (
        "insufficient"
    )


def test_a_quorum_without_it_keeps_its_level():
    verdict = judged(a(), b(), rebuilds=[stabilized()], chosen=rules(*BOTH))
    assert (verdict.outcome, verdict.level) == ("reproduced", "bitwise")


def test_stabilized_does_not_make_it_reproduced():
    verdict = judged(a("match", "archive", exact=True), rebuilds=[stabilized()], chosen=rules(*BOTH))
    assert (verdict.outcome, verdict.level) == ("equivalent", None)


def test_it_softens_no_dissent():
    assert judged(a("mismatch"), rebuilds=[rebuilt()]).outcome == "divergent"
    verdict = judged(a("mismatch"), b(), rebuilds=[rebuilt()])
    assert verdict.outcome == "disputed"
    assert judged(a("mismatch"), b(), rebuilds=[stabilized()], chosen=rules(*BOTH)).outcome == "disputed"


def test_an_operator_of_both_has_one_vote():
    ours = Service(operator="Operator A")
    verdict = judged(a(), rebuilds=[rebuilt(service=ours)], chosen=rules("bitwise", service=ours))
    assert verdict.outcome == "insufficient"
    dissents = judged(a("mismatch"), rebuilds=[rebuilt(service=ours)], chosen=rules("bitwise", service=ours))
    assert dissents.outcome == "divergent"
    assert dissents.agreeing == ()


def test_a_service_that_the_policy_does_not_name_does_not_count():
    other = Service(seed="another key")
    verdict = judged(a(), rebuilds=[rebuilt(service=other)])
    assert verdict.outcome == "insufficient"
    assert verdict.rejected[0].reason == "not a witness of this policy"
    assert judged(a(), rebuilds=[rebuilt()], chosen=policy(ALPHA, BETA)).outcome == "insufficient"


def test_it_needs_no_cosigners_and_lends_none():
    chosen = rules("bitwise", cosigners=1)
    assert judged(a(), rebuilds=[rebuilt()], chosen=chosen).outcome == "insufficient"
    seen = ALPHA.verified(stated(ALPHA), cosigned_by=[BETA])
    assert judged(seen, rebuilds=[rebuilt()], chosen=chosen).outcome == "reproduced"


def test_age_and_future():
    old = rebuilt(finished=NOW - timedelta(days=500))
    assert judged(a(), rebuilds=[old]).outcome == "stale"
    future = judged(a(), rebuilds=[rebuilt(finished=NOW + timedelta(days=3))])
    assert future.outcome == "insufficient"
    assert "dated in the future" in future.rejected[0].reason


def test_another_file_or_name():
    verdict = judged(a(), rebuilds=[rebuilt()], artifact=Artifact("0" * 64, WHEEL))
    assert "about another file" in {item.reason for item in verdict.rejected}
    renamed = rebuilt(filename="demo-1.0-py2-none-any.whl")
    verdict = judged(a(), rebuilds=[renamed])
    assert "another name" in verdict.rejected[0].reason


def test_the_newest_of_several_is_heard_whatever_their_order():
    several = [rebuilt(), stabilized(finished=FINISHED + timedelta(hours=1))]
    verdicts = [judged(a(), rebuilds=items, chosen=rules(*BOTH)) for items in (several, several[::-1])]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0].level is None


def test_places_are_what_the_policy_says():
    service = SERVICE.trusted("bitwise")
    placed = policy(ALPHA, BETA, diversity=(("country", 1),), services=(service,))
    assert judged(a(), rebuilds=[rebuilt()], chosen=placed).outcome == "insufficient"


@pytest.mark.parametrize("reachable", [True, False])
def test_its_silence_says_nothing(reachable):
    quiet = Silence("oss-rebuild", "Google", "has published nothing about it", reachable)
    down = [Silence(node.name, node.operator, "unreachable", reachable=False) for node in (ALPHA, BETA)]
    assert judged(silent=[*down, quiet]).outcome == "error"
    assert judged(a(), silent=[quiet]).outcome == "insufficient"
    assert judged(a(), b(), silent=[quiet]).outcome == "reproduced"


def test_show_tells_it_apart():
    evidence = Evidence((a(),), rebuilds=(stabilized(),))
    text = render(decide(ARTIFACT, evidence, rules(*BOTH), NOW), evidence)
    assert "oss-rebuild (Google), no log" in text
    assert "equal only once both were stabilized" in text
