"""One witness's failure is a line of evidence against its name, and hides nothing that another says."""

from dataclasses import dataclass, field

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, NOW, SHA, WHEEL, policy, stated
from witness import bundle
from witness.client import Client
from witness.digest import sha256_hex
from witness.errors import FetchFailed, NotFound
from witness.evidence import Artifact

ARTIFACT = Artifact(SHA, WHEEL)


@dataclass
class Lines:
    """A source with the same answer to everything, or one after the other of several, over and over."""

    answer: tuple[bytes, ...] | Exception | list[Exception]
    asked: list[str] = field(default_factory=list)

    def lines(self, sha256):
        self.asked.append(sha256)
        answer = self.answer
        if isinstance(answer, list):
            answer = answer[len(self.asked) % len(answer)]
        if isinstance(answer, Exception):
            raise answer
        return answer


def line(node, *args, **kwargs):
    return bundle.encode(node.bundle(stated(node, *args, **kwargs)))


def client(alpha, beta, gamma, **kwargs):
    sources = {"alpha": Lines(alpha), "beta": Lines(beta), "gamma": Lines(gamma)}
    return Client(policy(ALPHA, BETA, GAMMA), sources, **kwargs)


def test_everyone_is_heard_for_himself():
    (verdict,) = client((line(ALPHA), b"rubbish"), FetchFailed("down"), NotFound("no")).judge([ARTIFACT], NOW)
    assert [voice.witness for voice in verdict.agreeing] == ["alpha"]
    assert [(item.witness, item.reachable) for item in verdict.silent] == [("beta", False), ("gamma", True)]
    assert [(item.witness, item.bad) for item in verdict.rejected] == [("alpha", True)]


def test_nobody_speaks_for_another():
    theirs = (line(ALPHA),)
    (verdict,) = client(theirs, theirs, theirs).judge([ARTIFACT], NOW)
    assert (verdict.outcome, [voice.witness for voice in verdict.agreeing]) == ("insufficient", ["alpha"])
    assert [item.witness for item in verdict.rejected] == ["beta", "gamma"]


def test_an_answer_about_another_file_is_rejected():
    other = line(BETA, sha256=sha256_hex(b"other"))
    (verdict,) = client((line(ALPHA),), (other,), NotFound("no")).judge([ARTIFACT], NOW)
    assert verdict.outcome == "insufficient"
    assert verdict.bad_signature


def test_a_site_that_is_down_is_not_asked_for_ever():
    artifacts = [Artifact(sha256_hex(b"%d" % number)) for number in range(20)]
    asking = client(FetchFailed("down"), NotFound("no"), NotFound("no"), workers=1)
    verdicts = asking.judge(artifacts, NOW)
    assert len(asking.sources["alpha"].asked) == 3
    assert len(asking.sources["beta"].asked) == 20
    assert {verdict.outcome for verdict in verdicts} == {"insufficient"}
    assert "not asked again" in verdicts[-1].silent[0].reason


def test_a_site_that_fails_now_and_then_is_still_asked():
    artifacts = [Artifact(sha256_hex(b"%d" % number)) for number in range(20)]
    asking = client([FetchFailed("busy"), NotFound("no")], NotFound("no"), NotFound("no"), workers=1)
    asking.judge(artifacts, NOW)
    assert len(asking.sources["alpha"].asked) == 20


def test_a_file_is_asked_about_once_and_progress_is_counted():
    steps = []
    answers = [NotFound("no")] * 3
    asking = client(*answers, progress=lambda: steps.append(1))
    verdicts = asking.judge([Artifact(SHA, WHEEL), Artifact(SHA), Artifact(SHA, WHEEL)], NOW)
    assert [verdict.artifact.filename for verdict in verdicts] == [WHEEL, None, WHEEL]
    assert asking.sources["alpha"].asked == [SHA]
    assert len(steps) == 3
