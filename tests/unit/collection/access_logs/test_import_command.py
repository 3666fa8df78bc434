"""The commands as somebody types them: messages, exit codes, waiting."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from collection.hit import RawHit, decode
from collection.log import open_log
from configuration.models import Property
from processing.receiving import ledger
from processing.receiving.lag import count_unreported, wait_until_reported

pytestmark = pytest.mark.django_db

LINE = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /{} HTTP/1.1" 200 12 "-" "Firefox"\n'


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, settings: Any) -> None:
    settings.DATA, settings.LOG_URL = tmp_path, f"sqlite://{tmp_path}/log"


@pytest.fixture
def shop() -> Property:
    return Property.objects.create(name="Shop")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def content() -> list[RawHit]:
    log = open_log(settings.LOG_URL)
    end = log.ends()[0]
    found = [decode(entry.value) for entry in log.read(0, 0, end - 1)] if end else []
    log.close()
    return found


def test_it_works(shop: Property, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format(1) + "broken\n" + LINE.format(2))
    output = run("import_access_log", str(tmp_path / "a.log"), "--property", str(shop.pk), "--no-wait")
    assert f"3 lines imported into Shop ({shop.pk})" in output
    assert f"1 of them are broken and are rejected as malformed:\n  {tmp_path}/a.log, line 2: not in" in output
    assert [hit.property for hit in content()] == [shop.pk] * 3


def test_the_measurement_id_selects_the_property(shop: Property, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format(1))
    run("import_access_log", str(tmp_path / "a.log"), "--property", shop.measurement_id, "--no-wait")
    assert [hit.property for hit in content()] == [shop.pk]


def test_an_unknown_property_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is none yet: manage.py add_property"):
        run("import_access_log", "-", "--property", "1")
    shop = Property.objects.create(name="Shop")
    with pytest.raises(CommandError, match=rf"no property '1'. These are:\n  {shop.pk}  {shop.measurement_id}  Shop"):
        run("import_access_log", "-", "--property", "1")


@pytest.mark.parametrize("number", ["9" * 30, "²", "-1", ""])
def test_invalid_numbers_of_properties(number: str) -> None:
    with pytest.raises(CommandError, match="There is no property"):
        run("import_access_log", "-", f"--property={number}")


def test_a_missing_file_is_reported_before_any_line_is_sent(shop: Property, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format(1))
    with pytest.raises(CommandError, match=r"none.log does not exist\.$"):
        run("import_access_log", str(tmp_path / "a.log"), "none.log", "--property", str(shop.pk))
    assert content() == []


def test_a_file_that_cannot_be_read_is_not_imported(shop: Property, tmp_path: Path) -> None:
    """Nor is the one before it."""
    (tmp_path / "a.log").write_text(LINE.format(1))
    (tmp_path / "b.log").write_text("hello\n" * 2 + LINE.format(2))
    command = ("import_access_log", str(tmp_path / "a.log"), str(tmp_path / "b.log"), "--property", str(shop.pk))
    with pytest.raises(CommandError, match=r"b.log, 2 cannot be read. Recognised: 1 of combined.(.|\n)*--force"):
        run(*command, "--no-wait")
    assert content() == []
    assert "2 of them are broken" in run(*command, "--no-wait", "--force")
    assert len(content()) == 4


OWN = "192.0.2.1|2015-05-17T10:05:03+0000|200|GET /{} HTTP/1.1\n"
FORMAT = "%h|%{%Y-%m-%dT%H:%M:%S%z}t|%>s|%r"


def test_a_format_string(shop: Property, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(OWN.format(1) + OWN.format(2))
    command = ("import_access_log", str(tmp_path / "a.log"), "--property", str(shop.pk), "--no-wait")
    with pytest.raises(CommandError, match="Recognised: nothing"):
        run(*command)
    assert "2 lines imported" in run(*command, "--format", FORMAT)
    assert [hit.headers for hit in content()] == [{"format": FORMAT}] * 2
    assert [hit.occurred for hit in content()] == [1431857103000] * 2


def test_an_unusable_format_string(shop: Property, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format(1))
    with pytest.raises(CommandError, match=r"no field for the time \(%t, \$time_local\), the request .*\.$"):
        run("import_access_log", str(tmp_path / "a.log"), "--property", str(shop.pk), "--format", "%h")
    assert content() == []


def test_standard_input(shop: Property, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = io.TextIOWrapper(io.BufferedReader(io.BytesIO(LINE.format(1).encode())))
    monkeypatch.setattr("sys.stdin", lines)
    assert "1 line imported" in run("import_access_log", "-", "--property", str(shop.pk), "--no-wait")
    assert len(content()) == 1


def test_changed_files_are_imported_from_the_start(
    shop: Property, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(LINE.format(number) for number in range(9_000)))
    with monkeypatch.context() as patch:
        patch.setattr("collection.progress.ProgressLine.show", interrupt)
        with pytest.raises(SystemExit, match="130"):
            run("import_access_log", str(path), "--property", str(shop.pk))
    before = len(content())
    assert 0 < before < 9_000
    path.write_text(LINE.format("new"))
    assert "have changed" in run("import_access_log", str(path), "--property", str(shop.pk), "--no-wait")
    assert len(content()) == before + 1


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_the_demo_is_filled_once(tmp_path: Path) -> None:
    assert "hits of 2 days" in run("demo", "--days", "2", "--hits", "300")
    shop, sent = Property.objects.get(name="Demo shop"), len(content())
    assert sent > 10  # just after midnight nearly all hits are yesterday's, which may be few
    assert all(f"tid={shop.measurement_id}&".encode() in hit.query for hit in content())
    assert "nothing was added" in run("demo")
    shop.delete()
    assert "nothing was added" in run("demo")
    assert len(content()) == sent
    assert Property.objects.count() == 0


@pytest.mark.parametrize("wrong", [("--days", "0"), ("--days", "4000"), ("--hits", "0")])
def test_unusual_demos(wrong: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=wrong[0]):
        run("demo", *wrong)
    assert Property.objects.count() == 0


@pytest.fixture
def ranges() -> list[Any]:
    return [ledger.next_range("log", 0, 0, end, "context") for end in (10, 25)]


def test_waiting_ends_when_every_range_is_done(ranges: list[Any]) -> None:
    assert count_unreported("log", {0: 30}) == 30
    ledger.finish(ranges[0])
    assert count_unreported("log", {0: 30}) == 20
    assert count_unreported("log", {0: 10}) == 0
    progress: list[int] = []

    def work(left: int) -> None:
        progress.append(left)
        for item in ranges:
            ledger.finish(item)

    assert wait_until_reported("log", {0: 25}, work) == 0
    assert progress == [15]


def test_no_request_waits_for_ever(ranges: list[Any]) -> None:
    assert wait_until_reported("log", {0: 25}, lambda _: None, timeout_s=0.2) == 25
