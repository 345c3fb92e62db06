"""OSS Rebuild's bundles: only what its key signed, whole, and about the very file."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.mangling import flips, prefixes
from tests.rebuild_service import COMMIT, FINISHED, PAYLOAD_TYPE, WHEEL, Service, go_json, statements
from witness import bundle as bundles
from witness.digest import sha256_hex
from witness.errors import Malformed, Unverified
from witness.limits import MAX_REBUILD_BUNDLE
from witness.ossrebuild.rebuild import GOOGLE, VerifiedRebuild, verify_rebuild
from witness.verification import VerifiedObservation, verify_bundle

SERVICE = Service()
SHA = sha256_hex(b"the published wheel")
OTHER = sha256_hex(b"what was built")


def verified(data, filename=WHEEL, sha256=SHA, service=SERVICE):
    return verify_rebuild(data, service.identity, filename, sha256)


def test_the_same_file():
    found = verified(SERVICE.bundle(SHA))
    assert (found.filename, found.sha256, found.level, found.rebuilt) == (WHEEL, SHA, "bitwise", SHA)
    assert found.finished_at == FINISHED
    assert found.source == f"git+https://git.example/demo@{COMMIT}"
    assert found.signer == SERVICE.identity.keys[0].key_id
    assert found.text == f"rebuilt from git+https://git.example/demo@{COMMIT}: bitwise"
    assert not found.defined


def test_another_file_that_is_stabilized_to_the_same():
    found = verified(SERVICE.bundle(SHA, rebuilt=OTHER))
    assert (found.level, found.rebuilt) == ("stabilized", OTHER)
    assert found.text.endswith(": equal only once both were stabilized")


def test_a_key_service_may_sign_with_the_higher_s_and_under_the_payload_type_of_old():
    assert verified(SERVICE.bundle(SHA, high_s=True)).level == "bitwise"
    old = replace(SERVICE, payload_type="https://in-toto.io/Statement/v1")
    assert verified(old.bundle(SHA)).level == "bitwise"


def test_a_hand_written_definition_is_told():
    def defined(_, rebuild):
        build = rebuild["predicate"]["buildDefinition"]
        build["resolvedDependencies"].append({"name": "build.fix.json", "content": "e30="})
        build["externalParameters"]["buildConfigSource"] = {"repository": "r", "ref": "main"}

    found = verified(SERVICE.bundle(SHA, change=defined))
    assert found.defined
    assert ("recipe", "written by hand for this file") in found.details


def test_without_a_source_it_says_so():
    def sourceless(_, rebuild):
        del rebuild["predicate"]["buildDefinition"]["resolvedDependencies"][0]

    assert "a source that it does not name" in verified(SERVICE.bundle(SHA, change=sourceless)).text


def test_what_it_says_is_shown_in_one_line():
    def odd(_, rebuild):
        rebuild["predicate"]["buildDefinition"]["resolvedDependencies"][0]["name"] = "git+\x1b[31m\n\u202e"

    assert verified(SERVICE.bundle(SHA, change=odd)).text.isprintable()


SMALL = "d-1-py3-none-any.whl"


def slim(one, other):
    """Without what is not read."""
    for statement in (one, other):
        del statement["predicate"]["buildDefinition"]["internalParameters"]
    del other["predicate"]["runDetails"]["byproducts"]


def test_every_flip_is_refused():
    data = SERVICE.bundle(SHA, SMALL, change=slim)
    assert verified(data, SMALL)
    for damaged in flips(data):
        with pytest.raises(Unverified):
            verified(damaged, SMALL)


def test_every_prefix_is_refused():
    data = SERVICE.bundle(SHA, SMALL, change=slim)
    for cut in prefixes(data):
        with pytest.raises((Malformed, Unverified)):
            verified(cut, SMALL)


def lines(data):
    return data.splitlines(keepends=True)


def enveloped(**changes):
    """A bundle whose first envelope has other fields."""
    first, second = lines(SERVICE.bundle(SHA))
    return go_json(json.loads(first) | changes) + b"\n" + second


FIRST, _ = statements(WHEEL, SHA, SHA, finished=FINISHED, builder=GOOGLE)
OTHERWISE_CALLED = SERVICE.sealed(go_json(FIRST), key_id="another")
NOT_SIGNED = {
    "nothing": b"",
    "a page": b"<html>no such object</html>\n",
    "another key": replace(SERVICE, seed="somebody").bundle(SHA),
    "one of two by another key": lines(SERVICE.bundle(SHA))[0]
    + lines(replace(SERVICE, seed="x").bundle(SHA))[1],
    "another payload type": replace(SERVICE, payload_type="application/json").bundle(SHA),
    "the payload type of old in name only": enveloped(payloadType="https://in-toto.io/Statement/v1"),
    "no signature": enveloped(signatures=[]),
    "two signatures": enveloped(signatures=json.loads(lines(SERVICE.bundle(SHA))[0])["signatures"] * 2),
    "signatures that are no list": enveloped(signatures={}),
    "a field more": enveloped(extra=1),
    "a payload that is no string": enveloped(payload=1),
    "other Base64": enveloped(payload="e30"),
    "too large": b" " * MAX_REBUILD_BUNDLE + SERVICE.bundle(SHA),
    "too many": SERVICE.bundle(SHA) * 5,
    "nested too deeply": b"[" * 100_000 + b"]" * 100_000 + b"\n",
    "a key twice": lines(SERVICE.bundle(SHA))[0].replace(b'{"payloadType"', b'{"payload":"","payloadType"'),
    "a blank line": SERVICE.bundle(SHA) + b"\n",
    "keys called differently": OTHERWISE_CALLED + b"\n" + lines(SERVICE.bundle(SHA))[1],
    "one statement twice": lines(SERVICE.bundle(SHA))[0] * 2 + lines(SERVICE.bundle(SHA))[1],
    "of two builds": lines(SERVICE.bundle(SHA))[0] + lines(SERVICE.bundle(SHA, rebuilt=OTHER))[1],
    "about another digest": SERVICE.bundle(OTHER),
    "about another file": SERVICE.bundle(SHA, "demo-2.0-py3-none-any.whl"),
}


@pytest.mark.parametrize("name", NOT_SIGNED)
def test_what_the_service_did_not_say_of_the_file(name):
    with pytest.raises(Unverified):
        verified(NOT_SIGNED[name])


def equivalence(path, value):
    return lambda one, _: put(one, path, value)


def rebuild(path, value):
    return lambda _, other: put(other, path, value)


def put(target, path, value):
    *above, last = path.split(".")
    for part in above:
        target = target[int(part) if part.isdigit() else part]
    if value is KeyError:
        del target[last]
    else:
        target[int(last) if last.isdigit() else last] = value


BUILD, RUN = "predicate.buildDefinition", "predicate.runDetails"
OTHER_FILE = {"name": "rebuild/other.whl", "digest": {"sha256": SHA}}
CONTRADICTIONS = {
    "another candidate": equivalence(f"{BUILD}.externalParameters.candidate", "rebuild/other.whl"),
    "another target": equivalence(f"{BUILD}.externalParameters.target", "https://files.example/other.whl"),
    "a target that is no address": equivalence(f"{BUILD}.externalParameters.target", "https://[" + WHEEL),
    "compared with another file": equivalence(f"{BUILD}.resolvedDependencies.1.digest.sha256", OTHER),
    "compared with itself": equivalence(f"{BUILD}.externalParameters.target", f"rebuild/{WHEEL}"),
    "another candidate's digest": equivalence(f"{BUILD}.resolvedDependencies.0", OTHER_FILE),
    "one dependency": equivalence(
        f"{BUILD}.resolvedDependencies", [{"name": f"rebuild/{WHEEL}", "digest": {"sha256": SHA}}]
    ),
    "stabilized another file": equivalence(f"{RUN}.byproducts.0.name", "stabilized/other.whl"),
    "built another file": rebuild("subject.0.digest.sha256", OTHER),
    "built a file of another name": rebuild("subject.0.name", "rebuild/other.whl"),
    "another ecosystem": rebuild(f"{BUILD}.externalParameters.ecosystem", "npm"),
    "another project": rebuild(f"{BUILD}.externalParameters.package", "other"),
    "another version": rebuild(f"{BUILD}.externalParameters.version", "1.1"),
    "another artifact": rebuild(f"{BUILD}.externalParameters.artifact", "other.whl"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_signed_but_not_about_the_file(name):
    with pytest.raises(Unverified):
        verified(SERVICE.bundle(SHA, change=CONTRADICTIONS[name]))


UNREADABLE = {
    "another build type": rebuild(f"{BUILD}.buildType", "https://docs.oss-rebuild.dev/builds/Rebuild@v0.2"),
    "another builder": rebuild(f"{RUN}.builder.id", "https://docs.oss-rebuild.dev/hosts/Elsewhere"),
    "another statement": equivalence("_type", "https://in-toto.io/Statement/v2"),
    "another predicate": rebuild("predicateType", "https://slsa.dev/provenance/v2"),
    "two subjects": equivalence("subject", [OTHER_FILE, OTHER_FILE]),
    "no subject": rebuild("subject", []),
    "a digest in upper case": equivalence("subject.0.digest.sha256", SHA.upper()),
    "no sha256": equivalence("subject.0.digest", {"sha512": "00"}),
    "a name that is none": equivalence("subject.0.name", 1),
    "an endless name": equivalence("subject.0.name", "x" * 3000),
    "no predicate": equivalence("predicate", KeyError),
    "a predicate that is a list": rebuild("predicate", []),
    "no build type": rebuild(f"{BUILD}.buildType", KeyError),
    "a version that is none": rebuild(f"{BUILD}.externalParameters.version", "one"),
    "no time": rebuild(f"{RUN}.metadata.finishedOn", KeyError),
    "a time without a zone": rebuild(f"{RUN}.metadata.finishedOn", "2026-05-30T12:00:00"),
    "a time that never was": rebuild(f"{RUN}.metadata.finishedOn", "2026-02-30T12:00:00Z"),
    "a time before all": rebuild(f"{RUN}.metadata.finishedOn", "0001-01-01T00:00:00+14:00"),
    "dependencies that are no list": rebuild(f"{BUILD}.resolvedDependencies", {}),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_signed_and_not_understood_is_no_evidence_of_tampering(name):
    """Malformed, and not Unverified: a new version of the service's program must not look like an attack."""
    with pytest.raises(Malformed):
        verified(SERVICE.bundle(SHA, change=UNREADABLE[name]))


@pytest.mark.parametrize("number", [0, 1])
def test_one_statement_alone_says_too_little(number):
    with pytest.raises(Malformed, match="no statement of the type"):
        verified(lines(SERVICE.bundle(SHA))[number])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-30T12:00:00Z", FINISHED),
        ("2026-05-30T14:00:00.5+02:00", FINISHED),
        ("2026-05-30T05:30:00-06:30", FINISHED),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_as_go_writes_them(text, expected):
    change = rebuild(f"{RUN}.metadata.finishedOn", text)
    assert verified(SERVICE.bundle(SHA, change=change)).finished_at == expected


def test_names_are_compared_as_projects_are():
    name = "Demo_Package-1.0.0-py3-none-any.whl"
    change = rebuild(f"{BUILD}.externalParameters.package", "demo.package")
    assert verified(SERVICE.bundle(SHA, name, change=change), name).filename == name


def test_what_else_it_says_is_left_alone():
    def more(one, other):
        one["predicate"]["runDetails"]["note"] = {"new": [1.5, None]}
        other["predicate"]["buildDefinition"]["externalParameters"]["new"] = True

    assert verified(SERVICE.bundle(SHA, change=more)).level == "bitwise"


def test_it_cannot_become_an_observation_of_a_node():
    """Neither in place of a bundle, nor by hand."""
    from tests.integration.trusted_nodes import ALPHA, stated

    data = SERVICE.bundle(SHA)
    with pytest.raises(Malformed):
        bundles.parse(lines(data)[0][:-1])
    ours = ALPHA.bundle(stated(ALPHA))
    for line in lines(data):
        with pytest.raises((Malformed, Unverified)):
            verify_bundle(replace(ours, entry=line[:-1]), ALPHA.identity, [])
    assert not isinstance(verified(data), VerifiedObservation)
    fields = {name: getattr(verified(data), name) for name in VerifiedRebuild.__slots__}
    with pytest.raises(TypeError, match="only made by verify_rebuild"):
        VerifiedRebuild(**fields, seal=object())


def test_nor_can_an_observation_become_an_attestation():
    from tests.integration.trusted_nodes import ALPHA, stated

    entry = ALPHA.bundle(stated(ALPHA)).entry
    with pytest.raises(Unverified):
        verified(entry + b"\n")


def test_the_key_is_the_one_that_is_named():
    service = replace(SERVICE.identity, keys=())
    with pytest.raises(Unverified, match="not signed by any of the 0 keys"):
        verify_rebuild(SERVICE.bundle(SHA), service, WHEEL, SHA)
    assert PAYLOAD_TYPE.encode() in SERVICE.bundle(SHA)
    assert verified(SERVICE.bundle(SHA, finished=FINISHED - timedelta(days=1))).finished_at < FINISHED
