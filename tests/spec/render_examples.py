"""Writes the examples of what is counted into the manual: `python -m tests.spec.render_examples`."""

from pathlib import Path
from typing import Final

from tests.spec.examples import TOPICS, Example
from tests.spec.render import cells

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "manual" / "counting-examples.md"
_HEAD: Final = """# What is counted, by example

The [definitions](counting.md) in small tables: hits, and what the reports say of them. Times are UTC; all days are
asked for. Each example is a test that sends these hits through the whole system. This page is made by
`python -m tests.spec.render_examples`; change `tests/spec/examples_*.py` instead.
"""


def page() -> str:
    return _HEAD + "".join(_topic(title, examples) for title, examples in TOPICS.items())


def _topic(title: str, examples: list[Example]) -> str:
    return f"\n## {title}\n" + "".join(_section(example) for example in examples)


def _section(example: Example) -> str:
    rule = f"{example.rule}\n" if example.rule else ""
    rejected = f"\nand are rejected:\n\n{_markdown(example.rejected)}" if example.rejected else ""
    return f"\n### {example.title}\n{rule}\n{_markdown(example.hits)}\nbecome\n\n{_markdown(example.answer)}{rejected}"


def _markdown(table: str) -> str:
    head, *rows = cells(table)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    PAGE.write_text(page())
