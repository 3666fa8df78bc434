"""Rates of currencies from files: all lines of a file or none, and errors that name the line."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from configuration.currencies import MOST_ERRORS, WrongRates, import_rates, rates_into
from configuration.exchange_rates import ONE, Factor
from configuration.models import ExchangeRate

pytestmark = pytest.mark.django_db

DAY = 20_784  # 2026-11-27
LINE = "2026-11-27,USD,EUR,0.9234"


def factor(currency: str = "USD") -> Factor | None:
    return rates_into("EUR").factor(currency, DAY)


def test_it_works() -> None:
    assert import_rates(f"date,currency,target,rate\r\n\r\n{LINE}\r\n2026-11-26, GBP ,EUR,1.2\n") == 2
    assert factor() == Factor(923_400_000_000, ONE)
    assert str(ExchangeRate.objects.first()) == "2026-11-27: 1 USD = 0.9234 EUR"
    assert rates_into("CHF").factor("USD", DAY) is None


def test_a_new_rate_replaces_the_old_one_at_once() -> None:
    import_rates(LINE)
    assert factor() == Factor(923_400_000_000, ONE)
    import_rates("2026-11-27,USD,EUR,2")
    assert factor() == Factor(2 * ONE, ONE)
    item = ExchangeRate.objects.get()
    item.rate = Decimal(3)
    item.save()
    assert factor() == Factor(3 * ONE, ONE)
    item.delete()
    assert factor() is None


def test_rates_that_are_swapped_are_read_again() -> None:
    for dollars, pounds in ((1, 2), (2, 1)):
        import_rates(f"2026-11-27,USD,EUR,{dollars}\n2026-11-27,GBP,EUR,{pounds}")
        assert (factor(), factor("GBP")) == (Factor(dollars * ONE, ONE), Factor(pounds * ONE, ONE))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("2026-11-27,USD,EUR", "has 3 columns; write date, currency, target, rate"),
        ("27.11.2026,USD,EUR,1", "'27.11.2026' is not a date"),
        ("2026-02-30,USD,EUR,1", "'2026-02-30' is not a date"),
        ("2026-11-27,usd,EUR,1", "'usd' is not a currency"),
        ("2026-11-27,USD,EURO,1", "'EURO' is not a currency"),
        ("2026-11-27,EUR,EUR,1", "converts 'EUR' into itself"),
        *(
            (f"2026-11-27,USD,EUR,{rate}", "is not a rate; write a number above 0")
            for rate in ("0", "-1", "nan", "inf", "1e3", "1000000.1", "0.1234567890123", "1.2.3", "", "٣")
        ),
        ('2026-11-27,USD,EUR,"1', "cannot be read as CSV"),
        (LINE, "USD to EUR on 2026-11-27 is there twice"),
    ],
)
def test_errors_name_the_line_and_nothing_is_stored(line: str, error: str) -> None:
    with pytest.raises(WrongRates, match=f"^Line 2: .*{error}"):
        import_rates(f"{LINE}\n{line}\n")
    assert not ExchangeRate.objects.exists()


def test_an_empty_file_and_many_errors() -> None:
    with pytest.raises(WrongRates, match="has no rates"):
        import_rates("\ufeffdate,currency,target,rate\n")
    with pytest.raises(WrongRates) as raised:
        import_rates("x\n" * 50)
    assert raised.value.errors[MOST_ERRORS:] == ["… and 30 more lines."]


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(LINE)
    call_command("import_rates", str(file))
    assert factor()
    file.write_bytes(b"\xff")
    for path, error in ((file, "UTF-8"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(CommandError, match=error):
            call_command("import_rates", str(path))
