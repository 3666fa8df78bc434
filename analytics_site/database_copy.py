"""Copying Django's database into another one, of whatever kind, while nobody writes to either.

Numbers of rows stay as they are: that of a log is part of every hit's position, that of a property is in addresses. It
is one transaction: a copy that was broken off leaves nothing behind, one that differs anywhere is not kept.
"""

from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connections, transaction
from django.db.models import Field, Model, QuerySet
from django.db.models.sql import InsertQuery

from collection.progress import OnProgress, ignore_progress
from processing.models import Lease

ROWS_AT_ONCE: Final = 1000
MADE_BY_MIGRATE: Final[tuple[type[Model], ...]] = (Permission, ContentType)
OF_ONE_DATABASE: Final[tuple[type[Model], ...]] = (Lease,)  # they are about who works on this database, now


class NotEmpty(Exception):
    """The target has rows of its own."""


class Differs(Exception):
    """The target is not what the source is."""


class CopiedRows(NamedTuple):
    tables: int
    rows: int


def copy_database(source: str, target: str, on_progress: OnProgress = ignore_progress) -> CopiedRows:
    """Copies from one alias to another, whose tables are there and empty. Progress is reported in rows of a table.

    Raises NotEmpty, Differs, and what the databases raise.
    """
    with transaction.atomic(using=source), transaction.atomic(using=target):
        _as_of_now(source)
        _make_room(target)
        counts = [_copy_table(model, source, target, on_progress) for model in tables()]
        _go_on_counting(target)
        for model in tables():
            _compare(model, source, target)
    return CopiedRows(len(counts), sum(counts))


def tables() -> list[type[Model]]:
    """All that is copied of what Django keeps in its database, tables between two models too."""
    models = [model for model in apps.get_models(include_auto_created=True) if model not in OF_ONE_DATABASE]
    return [model for model in models if model._meta.managed and model._meta.app_label != "clusters"]


def rows(model: type[Model], alias: str) -> QuerySet[Any]:
    """All of them: those too that a manager of the model hides."""
    return QuerySet(model, using=alias).order_by("pk")


def _as_of_now(source: str) -> None:
    """The whole transaction sees the rows of this moment. SQLite's do by themselves."""
    if connections[source].vendor == "postgresql":
        with connections[source].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _make_room(target: str) -> None:
    """Raises NotEmpty."""
    for model in tables():
        if model not in MADE_BY_MIGRATE and rows(model, target).exists():
            raise NotEmpty(f"the table {model._meta.db_table} of the target has rows")
    for model in MADE_BY_MIGRATE:
        rows(model, target).delete()


def _copy_table(model: type[Model], source: str, target: str, on_progress: OnProgress) -> int:
    done = 0
    for batch in _batches(rows(model, source).iterator(ROWS_AT_ONCE), _at_once(model, target)):
        _insert(model, batch, target)
        done += len(batch)
        on_progress(model._meta.db_table, done, None)
    return done


def _insert(model: type[Model], batch: list[Model], target: str) -> None:
    """As they are: a field that is filled by itself keeps what it was filled with then; no signal is sent."""
    query = InsertQuery(model)
    query.insert_values(_fields(model), batch, raw=True)
    query.get_compiler(using=target).execute_sql()


def _go_on_counting(target: str) -> None:
    """The next number that the database gives is above those that are there."""
    with connections[target].cursor() as cursor:
        for statement in connections[target].ops.sequence_reset_sql(no_style(), tables()):
            cursor.execute(statement)


def _compare(model: type[Model], source: str, target: str) -> None:
    """Raises Differs."""
    names = [field.attname for field in _fields(model)]
    pairs = zip_longest(*(rows(model, alias).values_list(*names).iterator(ROWS_AT_ONCE) for alias in (source, target)))
    if any(wanted != there for wanted, there in pairs):
        raise Differs(f"the table {model._meta.db_table} differs")


def _fields(model: type[Model]) -> "list[Field[Any, Any]]":
    return list(model._meta.concrete_fields)


def _at_once(model: type[Model], alias: str) -> int:
    """SQLite takes so many values in one statement."""
    return min(ROWS_AT_ONCE, connections[alias].ops.bulk_batch_size(_fields(model), [None] * ROWS_AT_ONCE))


def _batches(items: Iterator[Model], size: int) -> Iterator[list[Model]]:
    while batch := list(islice(items, size)):
        yield batch
