"""Copies Django's database into another one, also of another kind, while no process writes to either.

Primary keys stay the same: the key of a log is part of every hit's position, that of a property is part of addresses.
The copy is one transaction: it is rolled back if it is interrupted, or if any row differs afterwards.
"""

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
from processing.models import InstallationPart, Lease

BATCH_ROWS: Final = 1000
CREATED_BY_MIGRATE: Final[tuple[type[Model], ...]] = (Permission, ContentType)
# Leases belong to the processes that use this database, and the copy may have another log and store.
NOT_COPIED: Final[tuple[type[Model], ...]] = (Lease, InstallationPart)


class NotEmpty(Exception):
    """The target database is not empty."""


class Differs(Exception):
    """A row of the target differs from the source."""


class CopiedRows(NamedTuple):
    tables: int
    rows: int


def copy_database(source: str, target: str, on_progress: OnProgress = ignore_progress) -> CopiedRows:
    """Copies from one alias to another, whose tables exist and are empty. Progress is reported in rows of a table.

    Raises NotEmpty, Differs, DatabaseError.
    """
    with transaction.atomic(using=source), transaction.atomic(using=target):
        _take_snapshot(source)
        _check_empty(target)
        for model in CREATED_BY_MIGRATE:
            rows(model, target).delete()
        counts = [_copy_table(model, source, target, on_progress) for model in tables()]
        with connections[target].cursor() as cursor:  # the next key that the database gives must be a new one
            for statement in connections[target].ops.sequence_reset_sql(no_style(), tables()):
                cursor.execute(statement)
        for model in tables():
            _compare(model, source, target)
    return CopiedRows(len(counts), sum(counts))


def tables() -> list[type[Model]]:
    """Returns the models whose tables are copied, including the tables of many-to-many fields."""
    models = [model for model in apps.get_models(include_auto_created=True) if model not in NOT_COPIED]
    return [model for model in models if model._meta.managed and model._meta.app_label != "clusters"]


def rows(model: type[Model], alias: str) -> QuerySet[Any]:
    """Returns all rows of a table, also those that the model's own manager hides."""
    return QuerySet(model, using=alias).order_by("pk")


def _take_snapshot(source: str) -> None:
    """Makes the whole transaction read the rows of this moment, which it does anyway on SQLite."""
    if connections[source].vendor == "postgresql":
        with connections[source].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _check_empty(target: str) -> None:
    """Raises NotEmpty if a table has rows that `migrate` did not create."""
    for model in tables():
        if model not in CREATED_BY_MIGRATE and rows(model, target).exists():
            raise NotEmpty(f"the table {model._meta.db_table} of the target has rows")


def _copy_table(model: type[Model], source: str, target: str, on_progress: OnProgress) -> int:
    """Copies the rows of one table. Returns their number."""
    fields = _fields(model)
    # SQLite limits the number of values in a statement.
    batch_rows = min(BATCH_ROWS, connections[target].ops.bulk_batch_size(fields, [None] * BATCH_ROWS))
    source_rows = rows(model, source).iterator(BATCH_ROWS)
    done = 0
    while batch := list(islice(source_rows, batch_rows)):
        # A raw insert: `save` would set fields such as `auto_now` again, and send signals.
        query = InsertQuery(model)
        query.insert_values(fields, batch, raw=True)
        query.get_compiler(using=target).execute_sql()
        done += len(batch)
        on_progress(model._meta.db_table, done, None)
    return done


def _compare(model: type[Model], source: str, target: str) -> None:
    """Raises Differs if any row of the table differs."""
    names = [field.attname for field in _fields(model)]
    pairs = zip_longest(*(rows(model, alias).values_list(*names).iterator(BATCH_ROWS) for alias in (source, target)))
    if any(source_row != target_row for source_row, target_row in pairs):
        raise Differs(f"the table {model._meta.db_table} differs")


def _fields(model: type[Model]) -> "list[Field[Any, Any]]":
    return list(model._meta.concrete_fields)
