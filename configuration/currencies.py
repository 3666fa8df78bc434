"""Stores rates of currencies, from files of the owner, and gives them to reports."""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from re import fullmatch
from typing import Final

from django.db import transaction
from django.db.models import Count, Q, Sum

from configuration.currency_models import ExchangeRate
from configuration.exchange_rates import DECIMALS, LARGEST_RATE, NO_RATES, Rate, Rates

HEADER: Final = ["date", "currency", "target", "rate"]
MOST_ERRORS: Final = 20
MOST_LINES: Final = 500_000
EPOCH: Final = date(1970, 1, 1).toordinal()
_Key = tuple[date, str, str]


class WrongRates(ValueError):
    """A file of rates that cannot be taken: `errors` are sentences that name the lines."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def import_rates(text: str) -> int:
    """Stores the rates of a CSV file with the columns date, currency, target, rate, and returns how many they are.

    A rate of the same day and currencies is replaced. Raises WrongRates, which stores nothing.
    """
    rates, errors = dict[_Key, Decimal](), list[str]()
    for line, row in _rows(text):
        try:
            key, rate = _read(row)
            if key in rates:
                raise ValueError(f"{key[1]} to {key[2]} on {key[0]} is there twice; leave one of them out.")
            rates[key] = rate
        except ValueError as error:
            errors.append(f"Line {line}: {error}")
    if not errors and not rates:
        errors = ["The file has no rates; write one per line, such as 2026-11-27,USD,EUR,0.9234."]
    if errors:
        more = [f"… and {len(errors) - MOST_ERRORS} more lines."] if len(errors) > MOST_ERRORS else []
        raise WrongRates([*errors[:MOST_ERRORS], *more])
    _store(rates)
    return len(rates)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines that are not empty, with their numbers from 1; a header is left out. Raises WrongRates."""
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(), strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if reader.line_num > MOST_LINES:
                raise WrongRates([f"The file has more than {MOST_LINES:,} lines; upload it in parts."])
            if any(cells) and [cell.lower() for cell in cells] != HEADER:
                yield reader.line_num, cells
    except csv.Error as error:
        raise WrongRates([f"Line {reader.line_num}: cannot be read as CSV ({error})."]) from error


def _read(row: list[str]) -> tuple[_Key, Decimal]:
    """Raises ValueError with what is wrong and what to write."""
    if len(row) != len(HEADER):
        raise ValueError(f"has {len(row)} columns; write {', '.join(HEADER)}, such as 2026-11-27,USD,EUR,0.9234.")
    day, currency, target, rate = row
    if currency == target:
        raise ValueError(f"converts {currency[:20]!r} into itself; write two different currencies.")
    return (_day(day), _code(currency), _code(target)), _rate(rate)


def _day(text: str) -> date:
    try:
        if fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text[:20]!r} is not a date; write it as 2026-11-27.")


def _code(text: str) -> str:
    if not fullmatch(r"[A-Z]{3}", text):
        raise ValueError(f"{text[:20]!r} is not a currency; write its three capital letters, such as USD.")
    return text


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text) if fullmatch(r"[0-9.]{1,40}", text) else Decimal("NaN")
    except InvalidOperation:
        rate = Decimal("NaN")
    if not (rate.is_finite() and 0 < rate <= LARGEST_RATE and rate == round(rate, DECIMALS)):
        raise ValueError(
            f"{text[:40]!r} is not a rate; write a number above 0, at most {LARGEST_RATE:,}, with a point and up to"
            f" {DECIMALS} decimals, such as 0.9234."
        )
    return rate


def _store(rates: dict[_Key, Decimal]) -> None:
    rows = [ExchangeRate(day=day, currency=one, target=two, rate=rate) for (day, one, two), rate in rates.items()]
    with transaction.atomic():
        ExchangeRate.objects.bulk_create(
            rows,
            batch_size=200,
            update_conflicts=True,
            update_fields=["rate", "stamp"],
            unique_fields=["day", "currency", "target"],
        )


def rates_into(target: str) -> Rates:
    """Returns the rates into a currency, as they are now."""
    chosen = ExchangeRate.objects.filter(Q(target=target) | Q(currency=target))
    state = chosen.aggregate(number=Count("pk"), stamps=Sum("stamp"))
    return _rates(target, state["number"], state["stamps"]) if state["number"] else NO_RATES


@lru_cache(16)
def _rates(target: str, _number: int, _stamps: int) -> Rates:
    rows = ExchangeRate.objects.filter(Q(target=target) | Q(currency=target))
    values = rows.values_list("day", "currency", "target", "rate")
    return Rates(
        (Rate(day.toordinal() - EPOCH, currency, into, rate) for day, currency, into, rate in values.iterator()), target
    )
