import pytest

from tests.mangling import prefixes
from tests.signed_log import Log
from witness.errors import Incomplete, Malformed, NotFound, Unverified
from witness.log.reader import LogReader, check_log, fetch_from
from witness.tlog.edge import WIDTH, Edge
from witness.tlog.merkle import inclusion_ranges, leaf_hash, node_hash, root_hash, verify_inclusion
from witness.tlog.tiles import (
    ENTRIES,
    Tile,
    TileReader,
    edge_tiles,
    limit_of,
    pack_entries,
    subtrees,
    tile_of,
    tiles_for,
    unpack_entries,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(3, 1234067), "tile/3/x001/x234/067"),
        (Tile(1, 5, 17), "tile/1/005.p/17"),
        (Tile(ENTRIES, 1234067, 1), "tile/entries/x001/x234/067.p/1"),
        (Tile(ENTRIES, 0), "tile/entries/000"),
    ],
)
def test_paths(tile, path):
    assert tile.path == path
    assert path.startswith(tile.full.path)
    assert tile.width == WIDTH or path == f"{tile.partials}/{tile.width}"


def test_limits():
    assert limit_of("tile/0/000") == 8192
    assert limit_of("tile/entries/000") == 256 * 65_537
    assert limit_of("checkpoint") == 65_536


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (0, {}),
        (1, {0: 1}),
        (255, {0: 255}),
        (256, {1: 1}),
        (257, {0: 1, 1: 1}),
        (65_536, {2: 1}),
        (70_000, {0: 112, 1: 17, 2: 1}),
    ],
)
def test_partial_tiles_of_a_size(size, widths):
    assert {tile.level: tile.width for tile in edge_tiles(size)} == widths


def test_width_of_a_tile_in_a_size():
    assert tile_of(0, 0, 256) == Tile(0, 0)
    assert tile_of(0, 1, 300) == Tile(0, 1, 44)
    assert tile_of(ENTRIES, 1, 300) == Tile(ENTRIES, 1, 44)
    assert tile_of(1, 0, 300) == Tile(1, 0, 1)


def test_a_range_is_cut_into_complete_subtrees():
    assert list(subtrees(0, 7)) == [(2, 0), (1, 2), (0, 6)]
    assert list(subtrees(8, 16)) == [(3, 1)]
    assert list(subtrees(5, 5)) == []


@pytest.mark.parametrize("entries", [[], [b""], [b"", b"a", b"\0" * 300], [bytes(65_535)]])
def test_bundles_of_entries_round_trip(entries):
    assert unpack_entries(pack_entries(entries)) == tuple(entries)


def test_prefixes_of_a_bundle_of_entries_are_refused():
    for data in prefixes(pack_entries([b"one entry"])):
        if data:
            with pytest.raises(Malformed, match="cut off"):
                unpack_entries(data)


@pytest.fixture(scope="module")
def big():
    """A log whose tiles have three levels, written in two batches."""
    log = Log.new()
    entries = [b"%d" % number for number in range(66_100)]
    log.append(entries[:300])
    log.append(entries[300:])
    return log, entries


def test_three_levels(big):
    log, entries = big
    reader = log.reader()
    assert reader.checkpoint.size == len(entries)
    assert reader.checkpoint.root == root_hash([leaf_hash(entry) for entry in entries])
    for index in (0, 255, 256, 299, 300, 65_535, 65_536, 66_099):
        proof = reader.proof(index)
        verify_inclusion(leaf_hash(entries[index]), index, len(entries), proof.hashes, reader.checkpoint.root)
    assert {"tile/0/255", "tile/1/000", "tile/2/000.p/1", "tile/0/258.p/52"} <= set(log.store.files)
    check_log(fetch_from(log.store), log.signers.log.key)


def test_partial_forms_go_when_the_full_one_is_there(big):
    log, _ = big
    assert not any(path.startswith(("tile/0/001.p", "tile/entries/001.p")) for path in log.store.files)
    assert {"tile/0/001", "tile/entries/001"} <= set(log.store.files)


@pytest.mark.parametrize("index", [0, 299, 65_535, 66_099])
def test_a_proof_needs_few_tiles(big, index):
    log, _ = big
    asked = []
    fetch = fetch_from(log.store)

    def counted(path):
        asked.append(path)
        return fetch(path)

    LogReader.open(counted, log.signers.log.key).proof(index)
    size = log.reader().checkpoint.size
    needed = {tile.path for tile in tiles_for(inclusion_ranges(index, size), size)}
    assert set(asked) - {"checkpoint"} == needed
    assert len(asked) <= 6


def test_entries_are_read_back(big):
    log, entries = big
    assert list(log.reader().entries(290, 520)) == entries[290:520]
    assert list(log.reader().entries(66_000)) == entries[66_000:]
    assert list(log.reader().entries(7, 7)) == []


def test_an_older_size_is_read_from_wider_tiles():
    log = Log.new()
    log.append([b"%d" % number for number in range(100)])
    older = log.reader()
    log.append([b"more"] * 500)
    assert not log.store.exists("tile/0/000.p/100")
    reader = LogReader(older.signed, older.verified, fetch_from(log.store))
    assert list(reader.entries()) == [b"%d" % number for number in range(100)]
    assert reader.proof(99) == older.proof(99)


@pytest.fixture
def small():
    log = Log.new()
    log.append([b"%d" % number for number in range(600)])
    return log


def test_every_damaged_file_is_noticed(small):
    files = small.store.files
    assert len(files) == 8
    for path, data in list(files.items()):
        for at in (0, len(data) // 2, len(data) - 1):
            files[path] = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with pytest.raises((Malformed, Unverified)):
                check_log(fetch_from(small.store), small.signers.log.key, [small.signers.cosigner.key])
        for other in (data[:-1], data[:-32], b"", data + b"\0" * 32):
            files[path] = other
            with pytest.raises((Malformed, Unverified, Incomplete)):
                check_log(fetch_from(small.store), small.signers.log.key)
        files[path] = data
    check_log(fetch_from(small.store), small.signers.log.key)


def test_every_missing_file_is_noticed(small):
    for path in list(small.store.files):
        data = small.store.files.pop(path)
        with pytest.raises(Incomplete):
            check_log(fetch_from(small.store), small.signers.log.key)
        small.store.files[path] = data


def test_a_tile_that_was_exchanged_is_not_believed(small):
    files = small.store.files
    files["tile/0/000"], files["tile/0/001"] = files["tile/0/001"], files["tile/0/000"]
    reader = small.reader()
    with pytest.raises(Unverified, match="tile/0/000: not the tile"):
        reader.proof(3)


def test_entries_that_were_exchanged_are_not_believed(small):
    files = small.store.files
    files["tile/entries/001"] = files["tile/entries/000"]
    with pytest.raises(Unverified, match="tile/entries/001: the entries"):
        list(small.reader().entries())


def test_an_edge_that_does_not_lead_to_the_root(small):
    tree = small.reader().checkpoint
    with pytest.raises(Unverified, match="another root"):
        TileReader(tree.size, bytes(32), fetch_from(small.store))
    with pytest.raises(NotFound):
        TileReader(tree.size + 1, tree.root, fetch_from(small.store))


def test_new_tiles_of_a_growing_edge():
    leaves = [leaf_hash(b"%d" % number) for number in range(300)]
    edge, tiles = Edge().extended(leaves[:255])
    assert [(tile.level, tile.index, len(tile.hashes)) for tile in tiles] == [(0, 0, 255)]
    edge, tiles = edge.extended(leaves[255:])
    assert [(tile.level, tile.index, len(tile.hashes)) for tile in tiles] == [
        (0, 0, 256),
        (0, 1, 44),
        (1, 0, 1),
    ]
    assert edge.rows[1] == (root_hash(leaves[:256]),)
    assert edge.root == node_hash(root_hash(leaves[:256]), root_hash(leaves[256:]))
    assert edge.extended([]) == (edge, ())
