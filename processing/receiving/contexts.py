"""Contexts of one store: frozen before a range is given out, and read again by whoever works on it."""

from collections.abc import Callable, Mapping, Sequence

from configuration.ruleset.context import Context, ReceiveSettings, context_id, decode_context, encode_context
from processing.store.port import Store

RulesFor = Callable[[Sequence[ReceiveSettings]], Mapping[str, bytes]]


class Contexts:
    """`now` says what is in force at this moment; `rules` fetches the published rules that settings name, by their
    name in the store.
    """

    def __init__(self, store: Store, now: Callable[[], Context], rules: RulesFor) -> None:
        self._store, self._now, self._rules = store, now, rules
        self._newest: dict[str, Context] = {}
        self._kept: set[tuple[int, int]] = set()

    def freeze(self) -> str:
        """Writes down the context of this moment, and names it."""
        context = self._now()
        name = context_id(context)
        if name not in self._newest:
            self._keep_rules(context.properties)
            self._store.put_context(name, encode_context(context))
            self._newest = {name: context}
        return name

    def named(self, name: str) -> Context:
        """Raises Missing, CorruptBlob."""
        if name not in self._newest:
            self._newest = {name: decode_context(self._store.context(name))}
        return self._newest[name]

    def _keep_rules(self, properties: Sequence[ReceiveSettings]) -> None:
        """Puts the rules of the properties into the store, before anything there names them."""
        fresh = [settings for settings in properties if (settings.id, settings.rules) not in self._kept]
        for name, content in self._rules(fresh).items():
            self._store.put_context(name, content)
        self._kept.update((settings.id, settings.rules) for settings in fresh)
