"""Writes cases and registries into the manual: `python -m tests.spec.render`."""

import re
from pathlib import Path
from typing import Final

from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from tests.spec.cases import CASES, Case

_MANUAL: Final = Path(__file__).resolve().parents[2] / "docs" / "manual"
PAGE: Final = _MANUAL / "report-examples.md"
REGISTRIES: Final = _MANUAL / "reports.md"
_HEAD: Final = """# Reports by example

Hits on the left of the way, a report at its end. Each example is a test that sends these hits through the whole system.
This page is made by `python -m tests.spec.render`; change `tests/spec/cases.py` instead.
"""


def cells(table: str) -> list[list[str]]:
    """The rows of a table in text, the names of the columns first."""
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def page() -> str:
    return _HEAD + "".join(f"\n{_section(case)}" for case in CASES)


def with_registries(text: str) -> str:
    """The manual's page with its tables of dimensions and metrics as the registries have them."""
    marks = {"session": "(session) ", "event": ""}
    dimensions = [f"| `{each.name}` | {marks[each.scope]}{each.definition} |" for each in DIMENSIONS.values()]
    metrics = [f"| `{each.name}` | {each.type} | {each.definition} |" for each in METRICS.values()]
    return _between(_between(text, "dimensions", dimensions), "metrics", metrics)


def _between(text: str, mark: str, lines: list[str]) -> str:
    """Replaces the table rows above the mark."""
    rows = "\n".join([*lines, f"<!-- {mark} -->"])
    return re.sub(rf"(\|---\|\n)(\| .*\n)*<!-- {mark} -->", lambda found: found[1] + rows, text)


def _section(case: Case) -> str:
    return f"## {case.title}\n{case.rule}\n\n{_markdown(case.hits)}\nbecome\n\n{_markdown(case.answer)}"


def _markdown(table: str) -> str:
    head, *rows = cells(table)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page())
    REGISTRIES.write_text(with_registries(REGISTRIES.read_text()))
