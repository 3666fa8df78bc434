"""What is counted, and what rules change, as tables: hits in, answer out. Run on a hit's whole way, and rendered into
the manual.
"""

from typing import Any, Final, NamedTuple

from configuration.ruleset.ruleset import Rule
from tests.spec import examples_access_logs, examples_events, examples_rules, examples_sessions, examples_times


class Example(NamedTuple):
    """`hits` and `answer` are tables: the first line names the columns, each further line is a row.

    A hit's columns are those of tests/spec/test_examples.py. The answer's columns are dimensions and metrics: the
    report asks for them. `rejected` lists reasons (and rules) and hits. `settings` differ from the default receive
    settings, `rule_settings` from the property settings that are published with the rules.
    """

    title: str
    rule: str
    hits: str
    answer: str
    rejected: str = ""
    settings: dict[str, Any] = {}
    rules: tuple[Rule, ...] = ()
    rule_settings: dict[str, Any] = {}


TOPICS: Final = {
    "Sessions": [Example(*each) for each in examples_sessions.EXAMPLES],
    "Days and hours": [Example(*each) for each in examples_times.EXAMPLES],
    "Events, duplicates, sources": [Example(*each) for each in examples_events.EXAMPLES],
    "Access logs": [Example(*each) for each in examples_access_logs.EXAMPLES],
}
RULE_TOPICS: Final = {
    topic: [
        Example(title, said, hits, answer, rejected, {}, rules, dict(*rule_settings))
        for title, said, rules, hits, answer, rejected, *rule_settings in examples
    ]
    for topic, examples in examples_rules.EXAMPLES.items()
}
