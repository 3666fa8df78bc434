"""Hits made of lines: ids, times, and the faults of malformed lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection import hit as hits
from collection.access_logs.lines import LineReader, LogLine
from collection.hit import RawHit
from collection.log_lines import EMPTY_LINE, NO_ADDRESS, NO_REQUEST, NO_TIME, OTHER_FORMAT
from collection.protocols import decode

COMBINED = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "Firefox"'
COMMON = b'192.0.2.1 - bob [17/May/2015:12:05:03 +0200] "GET /a HTTP/1.1" 200 -'


def read(*lines: bytes) -> list[LogLine]:
    return LineReader(property=7).read(lines, received_us=9)


def hit_of(entry: LogLine) -> RawHit:
    return hits.decode(entry.value)


def test_it_works() -> None:
    (entry,) = read(COMBINED)
    hit = hit_of(entry)
    assert (hit.protocol, hit.property, hit.received, hit.body) == ("access_log", 7, 9, COMBINED)
    assert hit.occurred == 1_431_857_103_000
    assert entry.fault is None


def test_the_zone_is_part_of_the_time() -> None:
    assert hit_of(read(COMMON)[0]).occurred == hit_of(read(COMBINED)[0]).occurred


def test_equal_lines_have_different_ids_that_every_import_repeats() -> None:
    lines = [COMBINED, COMMON, COMBINED, b"", b"", COMBINED]
    ids = [hit_of(entry).id for entry in read(*lines)]
    assert len(set(ids)) == len(lines)
    assert [hit_of(entry).id for entry in read(*lines)] == ids
    assert hit_of(read(COMBINED)[0]).id == ids[0]


def test_it_does_not_matter_how_lines_are_batched() -> None:
    lines = [COMBINED, COMMON, COMBINED, COMBINED]
    reader = LineReader(property=7)
    assert [*reader.read(lines[:1], 9), *reader.read(lines[1:], 9)] == read(*lines)


def test_skipped_lines_count_as_seen() -> None:
    skipping, reading = LineReader(7), LineReader(7)
    skipping.skip([COMBINED, COMMON])
    reading.read([COMBINED, COMMON], 1)
    assert (skipping.lines, skipping.checksum) == (reading.lines, reading.checksum) == (2, skipping.checksum)
    assert skipping.read([COMBINED], 1) == reading.read([COMBINED], 1)


def test_lines_of_one_visitor_have_one_key() -> None:
    other = COMBINED.replace(b"/a", b"/b"), COMBINED.replace(b"Firefox", b"Safari")
    same, different = read(*other)
    assert same.key == read(COMBINED)[0].key != different.key


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (COMBINED, None),
        (COMMON, None),
        (COMBINED.replace(b"GET /a", b"GET  /a"), None),
        (b"", EMPTY_LINE),
        (b"hello", OTHER_FORMAT),
        (COMBINED + b"x", OTHER_FORMAT),
        (COMBINED.replace(b"GET /a", b"GET /a b"), None),
        (COMBINED.replace(b"GET /a HTTP/1.1", b"GET /a"), NO_REQUEST),
        (COMBINED.replace(b"192.0.2.1", b"192.0.2"), NO_ADDRESS),
        (COMBINED.replace(b"GET /a HTTP/1.1", b"-"), NO_REQUEST),
        (COMBINED.replace(b"17/May", b"31/Feb"), NO_TIME),
        (COMBINED.replace(b"10:05:03", b"24:00:00"), NO_TIME),
        (COMBINED.replace(b"10:05:03", b"10:05:61"), NO_TIME),
        (COMBINED.replace(b"2015", b"0000"), NO_TIME),
        (COMBINED.replace(b"2015", b"9999"), NO_TIME),
    ],
)
def test_the_faults_of_the_import_are_the_lines_rejected_as_malformed(line: bytes, fault: str | None) -> None:
    (entry,) = read(line)
    assert entry.fault == fault
    assert decode(hit_of(entry)).error == (None if fault is None else "malformed")


@given(st.binary() | st.text().map(str.encode) | st.from_regex(rb'\S+ - - \[.{26}\] ".*" 200 1', fullmatch=True))
def test_no_line_is_lost(line: bytes) -> None:
    (entry,) = read(line)
    assert hit_of(entry).body == line
    assert (entry.fault is None) == (decode(hit_of(entry)).error is None)


def test_a_malformed_line_has_the_time_of_the_line_before_it() -> None:
    good = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
    lines = [good, b"nonsense\n", good.replace(b"17/May", b"99/May")]
    now, later = (LineReader(101).read(lines, received_us) for received_us in (1, 10**15))
    for reading in (now, later):
        assert [hits.decode(entry.value).occurred for entry in reading] == [1431857103000] * 3
    resumed = LineReader(101)
    resumed.skip(lines[:1])
    assert hits.decode(resumed.read(lines[1:], 1)[0].value).occurred == 1431857103000


FORMAT = "%h %t %s %m %U"
OWN = b"192.0.2.1 [17/May/2015:10:05:03 +0000] 200 GET /a"


def test_the_format_goes_with_the_hit() -> None:
    (entry,) = LineReader(7, FORMAT).read([OWN], 9)
    assert (entry.fault, hit_of(entry).headers, hit_of(entry).body) == (None, {"format": FORMAT}, OWN)
    assert hit_of(entry).occurred == 1431857103000
    assert decode(hit_of(entry)).events[0]["target"] == "/a"
    assert read(OWN)[0].fault == OTHER_FORMAT


def test_the_same_line_has_the_same_id_in_whatever_format_it_is_read() -> None:
    assert hit_of(LineReader(7, FORMAT).read([OWN], 9)[0]).id == hit_of(read(OWN)[0]).id


def test_a_malformed_line_has_its_own_time_if_it_has_one() -> None:
    lines = [COMBINED, COMBINED.replace(b"10:05", b"11:05").replace(b"GET /a HTTP/1.1", b"-"), b"nonsense"]
    entries = read(*lines)
    assert [hit_of(entry).occurred for entry in entries] == [1431857103000, 1431860703000, 1431860703000]
    resumed = LineReader(7)
    resumed.skip(lines[:2])
    assert resumed.read(lines[2:], 9) == entries[2:]


def test_a_hit_of_the_version_before_stays_as_it_was() -> None:
    """That version marked lines that it could not read, and gave them the time of the line before."""
    line = b"www.example.org:443 " + COMBINED
    assert decode(RawHit(1, "id", 9, "access_log", "", "", {}, b"", line, 7, 5)).error is None
    marked = RawHit(1, "id", 9, "access_log", "", "", {"fault": "not in the combined format"}, b"", line, 7, 5)
    assert decode(marked).error == "malformed"
