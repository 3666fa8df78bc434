"""Checks the names under which fields are stored: a field that is renamed in the code keeps its stored name.

A field that is missing from stored data reads as its default, so a changed name would lose data without an error. These
are the names that commit ccea092 wrote: add new ones, never change one.
"""

from typing import Any, Final

import msgspec
import pytest

from collection.access_logs.bookmark import ImportPosition
from collection.demo.fill import FillPlan
from collection.log.spill.state import SpillState
from configuration.ruleset.context import Context, ReceiveSettings
from configuration.ruleset.ruleset import PropertySettings, Ruleset
from processing.reprocessing.rebuild import RebuildTask
from processing.segments.manifest import Manifest, PeriodEntry, RawPart, RebuiltDays
from reporting.model import audience
from reporting.model.report import And, BetweenFilter, EmptyFilter, InListFilter, Not, NumericFilter, Or, StringFilter

STORED: Final[dict[type[msgspec.Struct], str]] = {
    Manifest: "zone timeout_ms currency engaged_ms covered accepted dropped adopted bases erased erased_hits deleted"
    " raw_from_us expired_counted expired_rejected kept_from periods raw pieces format",
    PeriodEntry: "layers carry counted rejected events dropped",
    RawPart: "place received_month day last_received_us rules adopted",
    RebuiltDays: "shelves dropped",
    RebuildTask: "store property first last parts book",
    Context: "properties lists places format",
    ReceiveSettings: "id measurement_id name domains zone currency session_timeout_s identity address_bits rules",
    Ruleset: "property number basics rules format",
    PropertySettings: "zone currency session_timeout_s engaged_s domains bot_lists spam_list",
    FillPlan: "property measurement_id zone now_ms days hits seed sent finished",
    ImportPosition: "lines checksum",
    SpillState: "next doubt log floor",
    # definitions of saved segments
    audience.Events: "filter metric operation value",
    audience.Sequence: "steps",
    audience.Step: "filter directly within_seconds",
    audience.InOneSession: "condition",
    audience.AllOf: "conditions",
    audience.AnyOf: "conditions",
    audience.Negated: "condition",
    StringFilter: "field value match case_sensitive",
    InListFilter: "field values case_sensitive",
    NumericFilter: "field operation value",
    BetweenFilter: "field low high",
    EmptyFilter: "field",
    And: "filters",
    Or: "filters",
    Not: "filter",
}


def stored_names(kind: type[msgspec.Struct]) -> list[str]:
    fields: tuple[Any, ...] = msgspec.structs.fields(kind)
    return [field.encode_name for field in fields]


def test_it_works() -> None:
    assert "periods" in stored_names(Manifest)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
def test_fields_keep_their_stored_names(kind: type[msgspec.Struct]) -> None:
    assert set(STORED[kind].split()) <= set(stored_names(kind))
