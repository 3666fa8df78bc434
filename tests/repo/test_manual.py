"""The manual is complete, and what it names exists."""

import re
from pathlib import Path
from typing import Final

import pytest
from django.core.management import get_commands, load_command_class

from collection.hit import RawHit
from processing.schema import REASONS
from reporting.kinds import KINDS
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from reporting.registry.reject_reasons import MEANINGS

ROOT: Final = Path(__file__).resolve().parents[2]
MANUAL: Final = ROOT / "docs" / "manual"
PAGES: Final = sorted(MANUAL.glob("*.md"))
INDEX: Final = (MANUAL / "index.md").read_text()
ADD: Final = sorted(MANUAL.glob("add-a*.md"))
FILE: Final = re.compile(r"`((?:collection|configuration|processing|reporting|tests|static|templates|docs)/[\w./-]+)`")
COMMAND: Final = re.compile(r"manage\.py (\w+)([^`\n]*)")


def test_it_works() -> None:
    assert INDEX.startswith("# Manual\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_is_in_the_index_and_has_one_title(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    assert page.name == "index.md" or f"]({page.name})" in INDEX, "add it to docs/manual/index.md"
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for name, rest in COMMAND.findall(page.read_text()):
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        known = {option for action in parser._actions for option in action.option_strings}
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)) <= known, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page: Path) -> None:
    named = set(FILE.findall(page.read_text()))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("what", ["step", "dimension", "metric", "protocol", "reason", "chart", "kind", "adapter"])
def test_there_is_a_page_on_adding(what: str) -> None:
    page = next(page for page in ADD if page.stem.endswith(f"-{what}"))
    assert len(FILE.findall(page.read_text())) >= 3
    assert "tests/" in page.read_text()


def test_every_reason_is_explained() -> None:
    reasons, _, _ = (MANUAL / "rejected-hits.md").read_text().partition("## Report on rejected hits")
    listed = re.findall(r"^\| `([a-z ]+)` \|", reasons, re.MULTILINE)
    assert sorted(listed) == sorted(REASONS) == sorted(MEANINGS)


@pytest.mark.parametrize("name", [*KINDS, *DIMENSIONS, *METRICS])
def test_every_kind_dimension_and_metric_is_explained(name: str) -> None:
    assert f"| `{name}` |" in (MANUAL / "reports.md").read_text()


def test_the_layout_of_a_hit_on_the_topic_is_explained() -> None:
    listed = re.findall(r"^\| (\d+) \| `(\w+)` \|", (MANUAL / "subscribe.md").read_text(), re.MULTILINE)
    assert listed == [(str(place), name) for place, name in enumerate(RawHit.__struct_fields__)]
