"""Writes report rows as those of an answer, and these as the rows of a file."""

from collections.abc import Sequence

import polars as pl

from reporting.model.report import MetricHeader, Row
from reporting.query.counted_rows import METRIC
from reporting.query.fields import Fields


def metric_headers(fields: Fields) -> tuple[MetricHeader, ...]:
    return tuple(MetricHeader(metric.name, metric.type) for metric in fields.visible_metrics)


def answer_rows(fields: Fields, table: pl.DataFrame, dimension_columns: Sequence[str]) -> tuple[Row, ...]:
    """Returns the texts of these columns, and the metrics that are shown."""
    count = len(dimension_columns)
    # Several dimensions may come from one column, such as "label"; a selection needs a name of its own for each.
    texts = [pl.col(column).alias(f"text {n}") for n, column in enumerate(dimension_columns)]
    values = table.select(*texts, *(METRIC + metric.name for metric in fields.visible_metrics))
    return tuple(Row(row[:count], row[count:]) for row in values.iter_rows())


def tabulate_rows(dimensions: Sequence[str], metrics: Sequence[MetricHeader], rows: Sequence[Row]) -> pl.DataFrame:
    """Returns the rows under the names of the headers: texts of dimensions, numbers of metrics."""
    types: dict[str, pl.DataType] = {name: pl.String() for name in dimensions}
    types |= {header.name: pl.Int64() if header.type == "INTEGER" else pl.Float64() for header in metrics}
    return pl.DataFrame([(*row.dimensions, *row.metrics) for row in rows], schema=types, orient="row")
