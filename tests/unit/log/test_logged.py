"""What pages are made of: entries that the log's key answers for, signed by keys that speak there; and nothing else."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, stated
from tests.keyed_log import FIRST, SECOND, THIRD, KeyedLog, pinning
from witness import commitment, dsse, statement
from witness.errors import Incomplete, InputError, Malformed, Unverified
from witness.keyless.identity import KeylessIdentity
from witness.logged import LoggedWitness, Source, of_node, of_policy, origin_of
from witness.store.directory import DirectoryStore
from witness.tlog.tiles import ENTRIES, tile_of


@pytest.fixture
def log():
    return KeyedLog()


def opened(log, directory, *pins):
    return LoggedWitness.open(Source(pinning(*(pins or (FIRST,))), log.publish(directory / "site")))


def shown(witness):
    return [said.index for said in witness.between(0, witness.size) if said.statement is not None]


def test_entries_are_told_apart(log, tmp_path):
    log.observe()
    log.rotate(FIRST, SECOND)
    log.add(commitment.encode(commitment.commit(["ab" * 32, "cd" * 32], commitment_time())))
    log.add(b"something else")
    log.observe(SECOND)
    witness = opened(log, tmp_path)
    found = list(witness.between(0, witness.size))
    assert [bool(said.statement) for said in found] == [True, False, False, False, True]
    assert [said.commitments for said in found] == [0, 0, 2, 0, 0]
    assert [bool(said.other) for said in found] == [False, True, False, True, False]
    assert witness.statement(4) == found[4].statement


def commitment_time():
    return datetime(2026, 6, 2, tzinfo=UTC)


def test_what_another_key_signed_is_not_shown(log, tmp_path):
    log.observe()
    log.observe(THIRD)
    assert shown(opened(log, tmp_path)) == [0]


def test_what_another_node_said_is_not_shown(log, tmp_path):
    payload = statement.encode(stated(BETA))
    log.add(dsse.encode(dsse.seal(payload, FIRST.public_key, FIRST.sign)))
    witness = opened(log, tmp_path)
    assert shown(witness) == []
    with pytest.raises(Unverified, match="no observation that counts"):
        witness.statement(0)


def test_of_a_node_that_signs_in_a_name_the_log_answers_for_the_entries(log, tmp_path):
    """Their signatures take Sigstore's trusted root, which is not asked for here."""
    log.observe(THIRD)
    named = replace(
        ALPHA.identity, keys=(), sigstore=KeylessIdentity("a@example.org", "https://issuer.example")
    )
    site = log.publish(tmp_path / "site")
    assert shown(LoggedWitness.open(Source(named, site))) == [0]
    assert ("observations, by Sigstore", "a@example.org (by https://issuer.example)") in Source(
        named, site
    ).keys


def test_a_revocation_takes_back_what_was_shown(log, tmp_path):
    log.observe()
    log.observe()
    before = opened(log, tmp_path / "before")
    assert shown(before) == [0, 1]
    log.rotate(FIRST, SECOND)
    rotated = opened(log, tmp_path / "rotated")
    assert shown(rotated) == [0, 1]
    assert rotated.authority == before.authority
    log.revoke(FIRST, 1, by=SECOND)
    after = opened(log, tmp_path / "after")
    assert shown(after) == [0]
    assert after.authority != before.authority


def test_a_hidden_key_event_is_missed(log, tmp_path):
    log.observe()
    log.rotate(FIRST, SECOND)
    site = log.publish(tmp_path / "site")
    (site / "keys.jsonl").unlink()
    witness = LoggedWitness.open(Source(pinning(FIRST), site))
    with pytest.raises(Incomplete, match="lacks the key event of entry 1"):
        list(witness.between(0, 2))


def test_entries_that_are_not_the_logs(log, tmp_path):
    log.observe()
    log.observe(sha256="11" * 32)
    site = log.publish(tmp_path / "site")
    path = site / tile_of(ENTRIES, 0, 2).path
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    witness = LoggedWitness.open(Source(pinning(FIRST), site))
    with pytest.raises((Unverified, Malformed)):
        list(witness.between(0, 2))


def test_another_log_under_the_same_name(log, tmp_path):
    log.observe()
    site = log.publish(tmp_path / "site")
    with pytest.raises(Unverified):
        LoggedWitness.open(Source(BETA.identity, site))


def test_a_log_must_go_on_where_it_was(log, tmp_path):
    log.observe()
    witness = opened(log, tmp_path / "one")
    root = witness.root_at(1)
    log.observe(sha256="22" * 32)
    grown = opened(log, tmp_path / "two")
    grown.check_continues(1, root)
    with pytest.raises(Incomplete, match="were shown before"):
        witness.check_continues(2, grown.root_at(2))
    with pytest.raises(Unverified, match="not the log that was shown before"):
        grown.check_continues(1, "00" * 32)


def test_no_log(tmp_path):
    with pytest.raises(InputError, match="no log here"):
        LoggedWitness.open(Source(ALPHA.identity, tmp_path))
    with pytest.raises(InputError, match=r"no node\.json"):
        of_node(tmp_path)
    DirectoryStore(tmp_path).put("node.json", b"{}")
    with pytest.raises(InputError, match=r"node\.json"):
        of_node(tmp_path)


def policy(path, *tables):
    path.write_text("version = 1\nthreshold = 1\n" + "".join(tables))
    return path


def test_whose_copy_one_is_follows_from_its_checkpoint(tmp_path):
    sites = {node: node.publish(tmp_path, [stated(node)]) for node in (ALPHA, BETA)}
    assert origin_of(sites[ALPHA]) == ALPHA.identity.log_key.name
    tables = [node.toml(f"https://{node.name}.example/") for node in (ALPHA, BETA)]
    named = policy(tmp_path / "policy.toml", *tables)
    found = of_policy(named, [sites[BETA], sites[ALPHA]])
    assert [(source.name, source.site, source.url) for source in found] == [
        ("alpha", sites[ALPHA], "https://alpha.example/"),
        ("beta", sites[BETA], "https://beta.example/"),
    ]
    with pytest.raises(InputError, match="no witness whose log is here"):
        of_policy(named, [])
    only = policy(tmp_path / "only.toml", tables[0])
    with pytest.raises(InputError, match=r"beta\.example/log, which .*only\.toml does not name"):
        of_policy(only, list(sites.values()))


def test_local_addresses_of_a_policy_need_not_be_named(tmp_path):
    site = ALPHA.publish(tmp_path, [stated(ALPHA)])
    mirror = tmp_path / "mirror"
    shutil.copytree(site, mirror / "site")
    named = policy(tmp_path / "policy.toml", ALPHA.toml("mirror"), BETA.toml("https://beta.example/"))
    (source,) = of_policy(named, [])
    assert (source.site, source.url) == (mirror / "site", "")
