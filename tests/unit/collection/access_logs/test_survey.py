"""What the first lines of a file say about its format."""

from pathlib import Path

import pytest

from collection.access_logs.files import LineFile
from collection.access_logs.survey import EXAMPLES, LINES, Survey, survey

LINE = b'198.51.100.7 - - [10/Nov/2026:10:00:00 +0000] "GET /%d HTTP/1.1" 200 5 "-" "Moz"'
COMMON = b'198.51.100.7 - - [10/Nov/2026:10:00:00 +0000] "GET /%d HTTP/1.1" 200 5'


def survey_of(tmp_path: Path, *lines: bytes, format: str | None = None) -> Survey:
    (tmp_path / "a.log").write_bytes(b"".join(line + b"\n" for line in lines))
    file = LineFile(str(tmp_path / "a.log"))
    try:
        return survey(file, format)
    finally:
        file.close()


def test_it_works(tmp_path: Path) -> None:
    found = survey_of(tmp_path, LINE % 1, LINE % 2, COMMON % 3, b"hello", b'{"a":1}', b"\x1b[31m", b"")
    assert (found.lines, found.layouts, len(found.malformed)) == (7, {"combined": 2, "common": 1}, 4)
    assert [each.number for each in found.malformed] == [4, 5, 6, 7]
    text = found.explanation()
    assert (
        f"of the first 7 lines of {tmp_path}/a.log, 4 cannot be read. Recognised: 2 of combined, 1 of common." in text
    )
    assert "line 4, not in any format that is known:\n    hello\n" in text
    assert text.count(", not in any format that is known:") == EXAMPLES
    for word in ("vhost_combined", "nginx's main", "JSON", "--format '%h %l %u %t", "--force"):
        assert word in text


@pytest.mark.parametrize(
    ("good", "bad", "is_foreign"), [(0, 0, False), (1, 0, False), (0, 1, True), (1, 1, False), (1, 2, True)]
)
def test_more_than_half_of_the_lines_are_too_many(good: int, bad: int, is_foreign: bool, tmp_path: Path) -> None:
    assert survey_of(tmp_path, *[LINE % 1] * good, *[b"hello"] * bad).is_foreign == is_foreign


def test_only_the_first_lines_are_looked_at(tmp_path: Path) -> None:
    lines = [b"hello"] * (LINES // 2) + [LINE % 1] * (LINES // 2) + [b"hello"] * 9_000
    found = survey_of(tmp_path, *lines)
    assert (found.lines, found.is_foreign) == (LINES, False)
    assert survey_of(tmp_path, b"hello", *lines).is_foreign


def test_a_time_that_does_not_exist_is_malformed(tmp_path: Path) -> None:
    (line,) = survey_of(tmp_path, (LINE % 1).replace(b"10/Nov", b"31/Nov")).malformed
    assert line.cause == "there is no such time"


def test_a_format_is_the_only_one_that_is_read(tmp_path: Path) -> None:
    found = survey_of(tmp_path, b"198.51.100.7 1794304800 200 GET /", LINE % 1, format="%h %{sec}t %s %m %U")
    assert (found.layouts, len(found.malformed)) == ({"--format": 1}, 1)


def test_examples_do_no_harm_to_the_terminal(tmp_path: Path) -> None:
    text = survey_of(tmp_path, b"\x1b[2J\x07 \xc2\x9b \xe2\x80\xae caf\xc3\xa9 " + b"x" * 1_000).explanation()
    assert r"\x1b[2J\x07 \x9b \u202e café xxx" in text
    assert max(map(len, text.splitlines())) < 300
