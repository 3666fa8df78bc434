"""Writes the examples of what is counted and of rules into the manual: `python -m tests.spec.render_examples`."""

from pathlib import Path
from typing import Any, Final

import msgspec

from configuration.ruleset.fields import FAMILIES, FIELDS
from configuration.ruleset.ruleset import Rule
from tests.spec.examples import RULE_TOPICS, TOPICS, Example
from tests.spec.render import cells

MANUAL: Final = Path(__file__).resolve().parents[2] / "docs" / "manual"
_HEAD: Final = """# What is counted, by example

The [definitions](counting.md) in small tables: hits, and what the reports say of them. Times are UTC; all days are
asked for. Each example is a test that sends these hits through the whole system. This page is made by
`python -m tests.spec.render_examples`; change `tests/spec/examples_*.py` instead.
"""


_HEAD_OF_RULES: Final = """# Rules, by example

What each kind of rule does, in small tables: hits, rules as JSON, and what the reports say then. What a rule does not
say has its default. Times are UTC; all days are asked for. Each example is a test that sends these hits through the
whole system. This page is made by `python -m tests.spec.render_examples`; change `tests/spec/examples_rules.py`
instead.
"""


def pages() -> dict[Path, str]:
    """The pages with their texts."""
    return {
        MANUAL / "counting-examples.md": _HEAD + _topics(TOPICS),
        MANUAL / "rule-examples.md": _HEAD_OF_RULES + _fields() + _topics(RULE_TOPICS),
    }


def _fields() -> str:
    """What conditions can name."""
    fields = [f"{each.name} | {each.meaning} | `{each.example}`" for each in FIELDS.values()]
    families = [f"{each.prefix}… | {each.meaning} | `{each.example}`" for each in FAMILIES.values()]
    table = "\n".join(["field | what it is | for instance", *fields, *families])
    return f"\n## What conditions can ask\n{_ON_CONDITIONS}\n{_markdown(table)}"


_ON_CONDITIONS: Final = """A field that is missing is the empty text. Capitals make no difference, unless the condition
asks for it. Values are cut at 2,048 characters before they are compared. Patterns are those of RE2, at most 256
characters, found anywhere in the text; one that would make a large program is refused. Rewrites can ask for all fields
but content groups; they see what the rewrites above them made.
"""


def _topics(topics: dict[str, list[Example]]) -> str:
    return "".join(_topic(title, examples) for title, examples in topics.items())


def _topic(title: str, examples: list[Example]) -> str:
    return f"\n## {title}\n" + "".join(_section(example) for example in examples)


def _section(example: Example) -> str:
    rule = f"{example.rule}\n" if example.rule else ""
    rejected = f"\nand are rejected:\n\n{_markdown(example.rejected)}" if example.rejected else ""
    hits = f"\n{_markdown(example.hits)}\n{_as_json(example.rules)}become\n\n{_markdown(example.answer)}"
    return f"\n### {example.title}\n{rule}{hits}{rejected}"


def _as_json(rules: tuple[Rule, ...]) -> str:
    """A rule a line, without what is its default anyway."""
    lines = [msgspec.json.encode(_said(rule)).decode() for rule in rules]
    return "```json\n{}\n```\n".format("\n".join(lines)) if rules else ""


def _said(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_said(each) for each in value]
    if not isinstance(value, msgspec.Struct):
        return value
    config, fields = value.__struct_config__, msgspec.structs.fields(value)
    tag = {config.tag_field: config.tag} if config.tag_field else {}
    own = {f.name: getattr(value, f.name) for f in fields if getattr(value, f.name) != f.default}
    return tag | {name: _said(each) for name, each in own.items()}


def _markdown(table: str) -> str:
    head, *rows = cells(table)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
