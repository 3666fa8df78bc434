"""The daily rates of currencies that the owner uploads."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from configuration.exchange_rates import DECIMALS, LARGEST_RATE

CODE = RegexValidator(r"^[A-Z]{3}$", "Write the three capital letters of a currency, for example EUR.")


def new_stamp() -> int:
    return secrets.randbelow(2**40)


class ExchangeRate(models.Model):
    """One unit of `currency` was worth `rate` units of `target` on a day. Properties of the installation share them."""

    day = models.DateField()
    currency = models.CharField(max_length=3, validators=[CODE])
    target = models.CharField(max_length=3, validators=[CODE], help_text="The currency that it is converted into.")
    rate = models.DecimalField(
        max_digits=len(str(LARGEST_RATE)) + DECIMALS,
        decimal_places=DECIMALS,
        help_text="What one unit of the currency was worth in the target currency.",
    )

    # Anew with every change: the sum of all stamps tells whether a rate was changed since it was read.
    stamp = models.BigIntegerField(default=new_stamp, editable=False)

    class Meta:
        ordering = ("-day", "currency", "target")
        constraints = (
            models.UniqueConstraint(fields=("day", "currency", "target"), name="one_rate_a_day"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="rate_is_positive"),
        )
        indexes = (models.Index(fields=("target",)), models.Index(fields=("currency",)))

    def __str__(self) -> str:
        return f"{self.day}: 1 {self.currency} = {self.rate.normalize():f} {self.target}"

    def save(self, *args: Any, **options: Any) -> None:
        self.stamp = new_stamp()
        super().save(*args, **options)

    def clean(self) -> None:
        if self.currency == self.target:
            raise ValidationError({"target": "A currency is not converted into itself; write another one."})
        if self.rate is not None and not 0 < self.rate <= LARGEST_RATE:
            raise ValidationError({"rate": f"Write a number above 0, at most {LARGEST_RATE:,}."})
