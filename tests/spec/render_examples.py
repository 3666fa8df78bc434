"""Writes the examples of counting and of rules into the manual: `python -m tests.spec.render_examples`."""

from pathlib import Path
from typing import Any, Final

import msgspec

from configuration.ruleset.fields import FAMILIES, FIELDS
from configuration.ruleset.ruleset import Rule
from tests.spec.examples import RULE_TOPICS, TOPICS, Example
from tests.spec.render import cells

MANUAL: Final = Path(__file__).resolve().parents[2] / "docs" / "manual"
_HEAD: Final = """# What is counted, by example

This page shows the [definitions](counting.md) in small tables: hits, and the report on them. Times are UTC; the
reports are over all days. Each example is a test, too, which sends these hits through the whole system.
`python -m tests.spec.render_examples` writes this page; to change it, edit `tests/spec/examples_*.py`.
"""


_RULES_HEAD: Final = """# Rules, by example

This page shows the effect of each kind of rule in small tables: hits, rules as JSON, and the report. A rule's
other fields have their defaults. Times are UTC; the reports are over all days. Each example is a test, too, which
sends these hits through the whole system. `python -m tests.spec.render_examples` writes this page; to change it, edit
`tests/spec/examples_rules.py`.
"""


def pages() -> dict[Path, str]:
    """Returns the text of each page, by its path."""
    return {
        MANUAL / "counting-examples.md": _HEAD + _topics(TOPICS),
        MANUAL / "rule-examples.md": _RULES_HEAD + _fields() + _topics(RULE_TOPICS),
    }


def _fields() -> str:
    """Returns the section about the fields that conditions can name."""
    fields = [f"{field.name} | {field.meaning} | `{field.example}`" for field in FIELDS.values()]
    families = [f"{family.prefix}… | {family.meaning} | `{family.example}`" for family in FAMILIES.values()]
    table = "\n".join(["field | meaning | example", *fields, *families])
    return f"\n## Fields of conditions\n{_ON_CONDITIONS}\n{_markdown(table)}"


_ON_CONDITIONS: Final = """A missing field is the empty text. Case is ignored unless the condition asks for it.
Values are cut at 2,048 characters before they are compared. Patterns use RE2's syntax and have at most 256 characters.
They match anywhere in the text; a pattern that would compile to a large program is refused. Conditions of rewrites can
use all fields except content groups, and see the results of the rewrites above them.
"""


def _topics(topics: dict[str, list[Example]]) -> str:
    return "".join(_topic(title, examples) for title, examples in topics.items())


def _topic(title: str, examples: list[Example]) -> str:
    return f"\n## {title}\n" + "".join(_section(example) for example in examples)


def _section(example: Example) -> str:
    rule = f"{example.rule}\n" if example.rule else ""
    rejected = f"\nand these rejected hits:\n\n{_markdown(example.rejected)}" if example.rejected else ""
    hits = f"\n{_markdown(example.hits)}\n{_as_json(example.rules)}give\n\n{_markdown(example.answer)}"
    return f"\n### {example.title}\n{rule}{hits}{rejected}"


def _as_json(rules: tuple[Rule, ...]) -> str:
    """Returns the rules as JSON, one per line, without the fields that have their default."""
    lines = [msgspec.json.encode(_without_defaults(rule)).decode() for rule in rules]
    return "```json\n{}\n```\n".format("\n".join(lines)) if rules else ""


def _without_defaults(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_without_defaults(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    config, fields = value.__struct_config__, msgspec.structs.fields(value)
    tag = {config.tag_field: config.tag} if config.tag_field else {}
    own = {f.name: getattr(value, f.name) for f in fields if getattr(value, f.name) != f.default}
    return tag | {name: _without_defaults(item) for name, item in own.items()}


def _markdown(table: str) -> str:
    head, *rows = cells(table)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
