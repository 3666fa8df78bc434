"""Writes the cases and the registries into the manual: `python -m tests.spec.render`."""

import re
from pathlib import Path
from typing import Final

from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from reporting.registry.rejected import REJECTED_DIMENSIONS, REJECTED_METRICS
from tests.spec.cases import CASES, Case

_MANUAL: Final = Path(__file__).resolve().parents[2] / "docs" / "manual"
PAGE: Final = _MANUAL / "report-examples.md"
REGISTRIES: Final = _MANUAL / "reports.md"
REJECTED: Final = _MANUAL / "rejected-hits.md"
_HEAD: Final = """# Reports by example

Each example shows hits and the report on them. Each is a test, too, which sends these hits through the whole system.
`python -m tests.spec.render` writes this page; to change it, edit `tests/spec/cases.py`.
"""


def cells(table: str) -> list[list[str]]:
    """Splits a table in text into rows of cells; the first row has the names of the columns."""
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def page() -> str:
    return _HEAD + "".join(f"\n{_section(case)}" for case in CASES)


def with_registries(text: str) -> str:
    """Returns the page with its tables of dimensions and metrics written from the registries."""
    scopes = {"session": "(session) ", "user": "(user) ", "item": "(item) ", "event": ""}
    dimensions = [
        f"| `{item.name}` | {scopes[item.scope]}{item.definition} | `{item.example}` |" for item in DIMENSIONS.values()
    ]
    metrics = [f"| `{item.name}` | {item.type} | {item.definition} | {item.example} |" for item in METRICS.values()]
    return _between(_between(text, "dimensions", dimensions), "metrics", metrics)


def with_rejected(text: str) -> str:
    """Returns the page about rejected hits with its tables written from their registry."""
    dimensions = [f"| `{item.name}` | {item.definition} | `{item.example}` |" for item in REJECTED_DIMENSIONS.values()]
    metrics = [
        f"| `{item.name}` | {item.type} | {item.definition} | {item.example} |" for item in REJECTED_METRICS.values()
    ]
    return _between(_between(text, "rejected dimensions", dimensions), "rejected metrics", metrics)


def _between(text: str, mark: str, lines: list[str]) -> str:
    """Replaces the table rows above the mark."""
    rows = "\n".join([*lines, f"<!-- {mark} -->"])
    return re.sub(rf"(\|---\|\n)(\| .*\n)*<!-- {mark} -->", lambda match: match[1] + rows, text)


def _section(case: Case) -> str:
    return f"## {case.title}\n{case.rule}\n\n{_markdown(case.hits)}\ngive\n\n{_markdown(case.answer)}"


def _markdown(table: str) -> str:
    head, *rows = cells(table)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page())
    REGISTRIES.write_text(with_registries(REGISTRIES.read_text()))
    REJECTED.write_text(with_rejected(REJECTED.read_text()))
