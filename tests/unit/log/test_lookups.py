"""Files for lookups by prefix follow the shards, whatever happens in between: power cuts, damage, a growing log."""

import pytest

from tests.signed_log import Log, node, observed
from tests.unit.log.test_writer import Fragile, PowerCut
from witness import bundle, dsse, lookup, statement
from witness.limits import MAX_LOOKUP, MAX_SHARD
from witness.log import lookups
from witness.log.shards import add_bundles, refresh

SIGNERS = node()


def entry(number, artifact):
    said = statement.encode(observed(number, artifact=artifact))
    return dsse.encode(dsse.seal(said, SIGNERS.observations.public_key, SIGNERS.observations.sign))


def grow(log, start, stop, site=None):
    """Appends entries of which every third is about an artifact that was seen before, and their bundles."""
    if log.store.exists("checkpoint") and log.reader().checkpoint.size >= stop:
        entries = list(log.reader().entries(start, stop))
    else:
        entries = [entry(number, number // 3 if number % 3 == 0 else number) for number in range(start, stop)]
        log.append(entries)
    add_bundles(site or log.store, log.reader(), enumerate(entries, start))


def check(store, size):
    """That the files at the width that is told hold what the shards hold, each under its prefix, and nothing else."""
    bits = lookup.parse_width(store.files[lookup.WIDTH_PATH])
    assert bits == lookup.bits_for(size)
    shards = {
        bundle.artifact_of(path): tuple(data.split(b"\n")[:-1])
        for path, data in store.files.items()
        if path.startswith("observations/")
    }
    held = {}
    for prefix in lookup.prefixes(bits):
        found = lookup.parse(store.files[lookup.path_of(bits, prefix)], bits, prefix)
        assert {lookup.prefix_of(sha256, bits) for sha256 in found} <= {prefix}
        held |= found
    assert held == shards
    return bits


@pytest.fixture(scope="module")
def grown():
    """The files of a log and its site of 200 entries, made in steps."""
    log = Log.new(SIGNERS)
    widths = []
    for start, stop in ((0, 1), (1, 30), (30, 70), (70, 71), (71, 200)):
        grow(log, start, stop)
        widths.append(check(log.store, stop))
    assert widths == [0, 0, 2, 2, 3]
    return log


def copy_of(log):
    made = Log.new(SIGNERS)
    made.store.files |= log.store.files
    made.journal.files |= log.journal.files
    return made


def test_old_widths_go_when_the_next_bundles_come(grown):
    log = copy_of(grown)
    assert any(path.startswith("lookup/2/") for path in log.store.files)
    grow(log, 200, 201)
    check(log.store, 201)
    assert {path.split("/")[1] for path in log.store.files if path.startswith("lookup/")} == {
        "3",
        "width.json",
    }


def without_lookups(files):
    return {path: data for path, data in files.items() if not path.startswith("lookup/")}


@pytest.mark.parametrize(
    "damage",
    [
        lambda files: [files.pop(path) for path in list(files) if path.startswith("lookup/")],
        lambda files: files.pop(lookup.WIDTH_PATH),
        lambda files: files.update({lookup.WIDTH_PATH: b"nonsense"}),
        lambda files: [files.pop(path) for path in list(files) if path.startswith("lookup/3/")],
        lambda files: [
            files.update({path: b"nonsense"}) for path in list(files) if path.startswith("lookup/3/")
        ],
    ],
)
@pytest.mark.parametrize("stop", [240, 300])
def test_what_is_damaged_or_was_never_there_is_made_from_the_log(grown, damage, stop):
    log = copy_of(grown)
    damage(log.store.files)
    grow(log, 200, stop)
    check(log.store, stop)


def test_a_round_of_cosigning_makes_them_for_the_whole_log(grown):
    """The tree that was cosigned may be older than the log."""
    log = copy_of(grown)
    old = log.reader()
    grow(log, 200, 240)
    log.store.files = without_lookups(log.store.files)
    refresh(log.store, old, enumerate(list(old.entries(0, 3))), SIGNERS.log.key, [SIGNERS.cosigner.key])
    check(log.store, 240)


def test_a_power_cut_at_any_write_loses_nothing(grown):
    """From 200 entries at 3 bits to 260 at 4: readers find whole files of a width that is told, old or new."""
    done, steps = False, 0
    while not done:
        steps += 1
        log = copy_of(grown)
        log.append([entry(number, number) for number in range(200, 260)])
        try:
            grow(log, 200, 260, site=Fragile(log.store, [steps]))
            done = True
        except PowerCut:
            bits = lookup.parse_width(log.store.files[lookup.WIDTH_PATH])
            for prefix in lookup.prefixes(bits):
                lookup.parse(log.store.files[lookup.path_of(bits, prefix)], bits, prefix)
            grow(log, 200, 260)
        check(log.store, 260)
    assert steps > 60


def test_more_than_a_file_may_hold_is_said_and_ends_with_a_longer_prefix():
    log = Log.new(SIGNERS)
    grow(log, 0, 8)
    path = lookup.path_of(0, "0000")
    digests = {bundle.artifact_of(name) for name in log.store.files if name.startswith("observations/")}
    large = b"x" * (MAX_SHARD // 2) + b"\n"
    swollen = sorted(digests)[:3]
    true = {sha256: log.store.files[bundle.shard_path(sha256)] for sha256 in swollen}
    for sha256 in swollen:
        log.store.files[bundle.shard_path(sha256)] = large
    lookups.update(log.store, 8, digests, lambda: [digests])
    assert log.store.files[path] == b"wheelwitness-lookup-v1 0 0000 full\n"
    assert len(log.store.files[path]) < MAX_LOOKUP
    lookups.update(log.store, 8, digests, lambda: [digests])
    assert log.store.files[path] == b"wheelwitness-lookup-v1 0 0000 full\n"
    for sha256, data in true.items():
        log.store.files[bundle.shard_path(sha256)] = data
    grow(log, 8, 70)
    check(log.store, 70)
