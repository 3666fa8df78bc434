"""Loads the secrets that receiving a range needs. They go into keys in memory, and nowhere else."""

from collections.abc import Sequence
from datetime import date

from configuration.ruleset.context import Context
from configuration.visitor_secrets import day_salts, installation_secret, property_salts
from processing.ingest.visitor_keys import VisitorKeyFactory


def load_visitor_key_factory(days: Sequence[date], context: Context) -> VisitorKeyFactory:
    """Returns a factory with the salts of these days and of the context's properties, made if they are new."""
    return VisitorKeyFactory(
        installation_secret(), day_salts(days), property_salts([settings.id for settings in context.properties])
    )
