import re
from pathlib import Path

import pytest

from processing.pipeline.lookups import lists
from processing.pipeline.lookups.lists import FOLDER, lists_version, rows

NAMES = sorted(path.name.removesuffix(".tsv") for path in FOLDER.iterdir() if path.name.endswith(".tsv"))
COLUMNS = {
    "ai_assistants": 1,
    "bot_signs": 2,
    "browser_signs": 2,
    "browsers": 3,
    "click_ids": 4,
    "continents": 3,
    "countries": 2,
    "device_signs": 3,
    "languages": 2,
    "personal_parameters": 2,
    "referrer_spam": 1,
    "robots": 3,
    "search_engines": 2,
    "source_categories": 2,
}


def test_it_works() -> None:
    assert ["DE", "Germany"] in rows("countries")
    assert re.fullmatch("[0-9a-f]{16}", lists_version())


@pytest.mark.parametrize("name", NAMES)
def test_every_list_is_sound(name: str) -> None:
    found = rows(name)
    assert {len(row) for row in found} == {COLUMNS[name]}
    assert len({tuple(row) for row in found}) == len(found)
    assert all(cell and cell == cell.strip() for row in found for cell in row)


@pytest.mark.parametrize("name", NAMES)
def test_every_list_says_where_it_comes_from(name: str) -> None:
    text = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8")
    assert all(word in text for word in ("Source:", "Licence:", "Columns:"))


def test_the_version_follows_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "FOLDER", tmp_path)
    versions = set()
    for text in ("", "a\tb\n", "a\tc\n"):
        (tmp_path / "x.tsv").write_text(text)
        lists_version.cache_clear()
        versions.add(lists_version())
    lists_version.cache_clear()
    assert len(versions) == 3


def test_sources_have_one_category() -> None:
    names = [name.removeprefix("*").removeprefix(".") for name, _ in rows("source_categories")]
    names += [name for (name,) in rows("ai_assistants")]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() for name in names)
