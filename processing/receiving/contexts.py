"""Contexts of one store: frozen before a range is recorded, and loaded again by every attempt to receive it."""

from collections.abc import Callable, Mapping, Sequence

from configuration.ruleset.context import Context, ReceiveSettings, context_id, decode_context, encode_context
from processing.store.port import Store

LoadRules = Callable[[Sequence[ReceiveSettings]], Mapping[str, bytes]]


class Contexts:
    def __init__(self, store: Store, load_rules: LoadRules) -> None:
        """`load_rules` returns the published rules that the settings name, by their name in the store."""
        self._store, self._load_rules = store, load_rules
        self._newest: dict[str, Context] = {}
        self._stored_rules: set[tuple[int, int]] = set()  # property and number of the rules

    def freeze(self, context: Context) -> str:
        """Stores the context, with the rules that it names, and returns its id."""
        name = context_id(context)
        if name not in self._newest:
            # Rules are stored first: nothing in the store may name rules that are missing there.
            fresh = [item for item in context.properties if (item.id, item.rules) not in self._stored_rules]
            for rules_name, content in self._load_rules(fresh).items():
                self._store.put_context(rules_name, content)
            self._stored_rules.update((item.id, item.rules) for item in fresh)
            self._store.put_context(name, encode_context(context))
            self._newest = {name: context}
        return name

    def load(self, name: str) -> Context:
        """Returns the context of this id. Raises Missing, CorruptBlob."""
        if name not in self._newest:
            self._newest = {name: decode_context(self._store.context(name))}
        return self._newest[name]
