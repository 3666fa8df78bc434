"""The stored manifest: its bytes must stay readable by every version that has written or will read it."""

from typing import Final

import pytest

from processing.segments.manifest import (
    NO_CARRY,
    AppliedRules,
    LayerRef,
    Manifest,
    OffsetRange,
    PeriodEntry,
    RawPart,
    RebuiltDays,
    Tombstone,
    UnreadableManifest,
    decode_manifest,
    encode_manifest,
    merge_ranges,
)
from processing.store.port import BlockKey

LAYER: Final = LayerRef("101-built-0a", "of_2026_11_24_", 12, ("rejected", "open"), 1)
LOWER: Final = LayerRef("101-built-0b", "of_2026_11_23_", 7)
ENTRY: Final = PeriodEntry((LAYER, LOWER), LOWER, 5, {"bot": 2, "duplicate": 1}, 9, 3)
FULL: Final = Manifest(
    zone="Europe/Berlin",
    timeout_ms=1_800_000,
    currency="EUR",
    engaged_ms=20_000,
    covered=(OffsetRange("main", 0, 1, 900), OffsetRange("main", 1, 0, 41)),
    accepted=8,
    dropped=4,
    claims=("c0ffee", "f00d"),
    applied_rules=(AppliedRules(0, 1_700_000_000_000, 3),),
    tombstones=(Tombstone(2**63 + 1, 1_700_000_000_000_000), Tombstone(5, 6, removed=True)),
    erased_hits=2,
    deleted=True,
    raw_from_us=1_600_000_000_000_000,
    expired_counted=11,
    expired_rejected={"spam": 1},
    kept_from=1_690_000_000_000,
    periods={"2026-11-24": ENTRY, "2026-10": PeriodEntry((), NO_CARRY, 0, {}, 0)},
    raw=(
        RawPart(LAYER, "2026-11", 20781, 1_764_000_000_000_000, 2, "c0ffee"),
        RawPart(LOWER, "2026-10", 20750, 1_763_000_000_000_000),
    ),
    rebuilt_days={3: RebuiltDays({"2026-11-24": ENTRY}, 6), 4: RebuiltDays({})},
)
# As the first version with these fields wrote them.
STORED_FULL: Final = (
    '{"zone":"Europe/Berlin","timeout_ms":1800000,"currency":"EUR","engaged_ms":20000,"covered":[["main",'
    '0,1,900],["main",1,0,41]],"accepted":8,"dropped":4,"adopted":["c0ffee","f00d"],"bases":[[0,170000000'
    '0000,3]],"erased":[[9223372036854775809,1700000000000000,false],[5,6,true]],"erased_hits":2,"deleted'
    '":true,"raw_from_us":1600000000000000,"expired_counted":11,"expired_rejected":{"spam":1},"kept_from"'
    ':1690000000000,"periods":{"2026-11-24":{"layers":[["101-built-0a","of_2026_11_24_",12,["rejected","o'
    'pen"],1],["101-built-0b","of_2026_11_23_",7,[],0]],"carry":["101-built-0b","of_2026_11_23_",7,[],0],'
    '"counted":5,"rejected":{"bot":2,"duplicate":1},"events":9,"dropped":3},"2026-10":{"layers":[],"carry'
    '":["","",0,[],0],"counted":0,"rejected":{},"events":0,"dropped":0}},"raw":[{"place":["101-built-0a",'
    '"of_2026_11_24_",12,["rejected","open"],1],"received_month":"2026-11","day":20781,"last_received_us"'
    ':1764000000000000,"rules":2,"adopted":"c0ffee"},{"place":["101-built-0b","of_2026_11_23_",7,[],0],"r'
    'eceived_month":"2026-10","day":20750,"last_received_us":1763000000000000,"rules":0,"adopted":""}],"p'
    'ieces":{"3":{"shelves":{"2026-11-24":{"layers":[["101-built-0a","of_2026_11_24_",12,["rejected","ope'
    'n"],1],["101-built-0b","of_2026_11_23_",7,[],0]],"carry":["101-built-0b","of_2026_11_23_",7,[],0],"c'
    'ounted":5,"rejected":{"bot":2,"duplicate":1},"events":9,"dropped":3}},"dropped":6},"4":{"shelves":{}'
    ',"dropped":0}},"format":1}'
)
STORED_EMPTY: Final = (
    '{"zone":"Etc/UTC","timeout_ms":1,"currency":"USD","engaged_ms":10000,"covered":[],"accepted":0,"drop'
    'ped":0,"adopted":[],"bases":[],"erased":[],"erased_hits":0,"deleted":false,"raw_from_us":0,"expired_'
    'counted":0,"expired_rejected":{},"kept_from":0,"periods":{},"raw":[],"pieces":null,"format":1}'
)


@pytest.mark.parametrize(
    ("manifest", "stored"), [(FULL, STORED_FULL), (Manifest(zone="Etc/UTC", timeout_ms=1), STORED_EMPTY)]
)
def test_it_works(manifest: Manifest, stored: str) -> None:
    as_now = stored.replace("],0]", "],0,0,[]]").replace("],1]", "],1,0,[]]")  # item rows and sightings came later
    assert encode_manifest(manifest) == as_now.encode()
    assert decode_manifest(as_now.encode()) == manifest
    assert decode_manifest(stored.encode()) == manifest


def test_a_manifest_of_the_first_version_is_readable() -> None:
    """It has the fields without defaults only."""
    assert decode_manifest(b'{"zone":"Etc/UTC","timeout_ms":1}') == Manifest(zone="Etc/UTC", timeout_ms=1)


@pytest.mark.parametrize("stored", [b"", b"{}", b'{"zone":"Etc/UTC","timeout_ms":1,"format":2}'])
def test_other_content_is_unreadable(stored: bytes) -> None:
    with pytest.raises(UnreadableManifest):
        decode_manifest(stored)


def test_a_manifest_names_all_segments_that_it_refers_to() -> None:
    assert FULL.segment_names() == {"101-built-0a", "101-built-0b"}


@pytest.mark.parametrize(
    ("first", "last", "merged"),
    [(10, 12, [(0, 4), (10, 12)]), (5, 9, [(0, 9)]), (2, 3, [(0, 4)]), (3, 9, [(0, 9)])],
)
def test_ranges_that_touch_become_one(first: int, last: int, merged: list[tuple[int, int]]) -> None:
    ranges = merge_ranges([OffsetRange("main", 0, 0, 4)], [BlockKey("main", 0, first, last)])
    assert [(item.first, item.last) for item in ranges] == merged
    assert len(merge_ranges(ranges, [BlockKey("main", 1, 5, 5)])) == len(merged) + 1
