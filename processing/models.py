"""The ledger: which ranges of which log have been given out, and under which context; never changed, but for being
done. And who subscribes to a log.
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


class Subscription(models.Model):
    """A reader of a log, for which hits are kept a while. How far it has read is in the log itself."""

    log = models.CharField(max_length=32)
    name = models.CharField(max_length=100)
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["log", "name"], name="one_subscription_per_name")]

    def __str__(self) -> str:
        return self.name
