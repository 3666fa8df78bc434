"""The ledger: which ranges of which log have been given out, and under which context.

Never changed, but for being done.
"""

from typing import ClassVar

from django.db import models


class LogSource(models.Model):
    """A log that hits came from; its number is part of their positions."""

    log = models.CharField(max_length=32, unique=True)

    def __str__(self) -> str:
        return self.log


class Range(models.Model):
    """Entries first to last, both included. `lost` of them could not be read any more."""

    log = models.CharField(max_length=32)
    partition = models.PositiveIntegerField()
    first = models.PositiveBigIntegerField()
    last = models.PositiveBigIntegerField()
    context = models.CharField(max_length=32)
    made_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)
    lost = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["log", "partition", "first"], name="one_range_per_first")
        ]
        indexes: ClassVar = [
            models.Index(fields=["done_at"], condition=models.Q(done_at=None), name="range_unfinished")
        ]

    def __str__(self) -> str:
        return f"{self.log}/{self.partition} {self.first}-{self.last}"
