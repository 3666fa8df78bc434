"""Random conditions for tests, over given fields, with texts that often match."""

from hypothesis import strategies as st

from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork, OneOf, Text

WORDS = ("", "a", "B", "ab", "/a", "/A/b", "b.c", "page_view", "é", "x y", "10", "z%26")
PATTERNS = ("^/a", "b$", "a.*b", r"\d+", "(a|é)", "[^a]", r"\bb", "^$", r"\w{2,3}")
NETWORKS = ("192.0.2.0/24", "198.51.0.0/16", "2001:db8::/32", "0.0.0.0/1")
ADDRESSES = ("192.0.2.0", "198.51.100.0", "203.0.113.0", "2001:db8::", "2001:db9::")


def conditions(fields: list[str]) -> st.SearchStrategy[Condition]:
    negated, sensitive = st.booleans(), st.booleans()
    named, word = st.sampled_from(fields), st.sampled_from(WORDS)
    plain = st.sampled_from(["equals", "contains", "begins", "ends"])
    leaves: st.SearchStrategy[Condition] = st.one_of(
        st.builds(Text, named, plain, word, sensitive, negated),
        st.builds(Text, named, st.just("pattern"), st.sampled_from(PATTERNS), sensitive, negated),
        st.builds(OneOf, named, st.lists(word, min_size=1, max_size=3).map(tuple), sensitive, negated),
        st.builds(InNetwork, st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=2).map(tuple), negated),
    )

    def groups(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.builds(AllOf, parts, negated) | st.builds(AnyOf, parts, negated)

    return st.recursive(leaves, groups, max_leaves=5)
