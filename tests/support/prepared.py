"""Installations that take a second to fill: filled once in each process of the test run, and copied for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.core import serializers
from django.core.management.color import no_style
from django.db import connection

from processing.models import LogSource, Range
from tests.support.installation import Installation

LEDGER: Final = (LogSource, Range)  # the rows that filling makes


class Prepared:
    """`folder` is kept as long as the process runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ledgers: dict[str, str] = {}

    def copy(
        self, name: str, to: Path, make: Callable[[Path], Installation], fill: Callable[[Installation], None]
    ) -> Installation:
        """What `make` and `fill` would give in `to`, begun anew as by a new process."""
        original = self._folder / name
        if name not in self._ledgers:
            self._ledgers[name] = _filled(make(original), fill)
        shutil.copytree(original, to, dirs_exist_ok=True)
        for row in serializers.deserialize("json", self._ledgers[name]):
            row.save(force_insert=True)  # rather than over the row of another installation of the test
        _number_on()
        return make(to)


def _filled(here: Installation, fill: Callable[[Installation], None]) -> str:
    """Leaves the files, and returns the ledger's rows, which are taken away."""
    fill(here)
    here.log.close()
    here.store.close()
    rows: str = serializers.serialize("json", [row for model in LEDGER for row in model.objects.order_by("pk")])
    for model in LEDGER:
        model.objects.all().delete()
    return rows


def _number_on() -> None:
    """After the rows that brought their numbers with them: PostgreSQL would begin at 1 again."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), LEDGER):
            cursor.execute(statement)
