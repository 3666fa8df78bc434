"""Tables of the worker: the ledger of ranges, runs over history, erasures, leases, and subscriptions to a log."""

from typing import ClassVar, NamedTuple

from django.db import models

from configuration import clock


class Progress(NamedTuple):
    """Rows per second since the start, pauses included, and the seconds that are left at this rate."""

    rate: float
    left_s: float


class LogSource(models.Model):
    """A log that hits came from; its number is part of their positions."""

    log = models.CharField(max_length=32, unique=True)

    def __str__(self) -> str:
        return self.log


class Range(models.Model):
    """Entries first to last of a partition, both included, and the id of the context that they are received under.

    `lost` of them could not be read any more. `attempts` counts those that ended with their process. `begun`: a worker
    has started to receive it.
    """

    log = models.CharField(max_length=32)
    partition = models.PositiveIntegerField()
    first = models.PositiveBigIntegerField()
    last = models.PositiveBigIntegerField()
    context = models.CharField(max_length=32)
    made_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)
    lost = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    begun = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["log", "partition", "first"], name="one_range_per_first")
        ]
        indexes: ClassVar = [
            models.Index(fields=["done_at"], name="range_done"),
            models.Index(fields=["log", "lost"], condition=models.Q(lost__gt=0), name="range_lost"),
        ]

    def __str__(self) -> str:
        return f"{self.log}/{self.partition} {self.first}-{self.last}"


class CleanedHits(models.Model):
    """From how many hits of a property personal data was removed when they were received."""

    property = models.BigIntegerField(primary_key=True)
    hits = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "cleaned hits"

    def __str__(self) -> str:
        return f"{self.hits} hits of property {self.property}"


class HistoryRun(models.Model):
    """Rules that are applied to the past of a property, or were: the run, what became of it, what is wished of it.

    `generation` is the new one, `replaced` the one that was live before; each null when it is no longer there. `tasks`
    is the plan, as JSON; which of them are done is in the new generation's book. `attempts` counts the tries that ended
    with an unexpected error, or with their process, since the last progress. `error`: why the run failed, or its last
    try.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"
        UNDONE = "undone", "Rolled back"

    class RequestedAction(models.TextChoices):
        NONE = "", "Go on"
        PAUSE = "pause", "Pause"
        CANCEL = "cancel", "Cancel"
        UNDO = "undo", "Roll back"

    ACTIVE: ClassVar = (State.WAITING, State.RUNNING, State.PAUSED)

    property = models.BigIntegerField()
    rules = models.PositiveIntegerField()
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    author = models.CharField(max_length=150)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    wish = models.CharField(max_length=10, choices=RequestedAction, default=RequestedAction.NONE, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    generation = models.PositiveIntegerField(null=True)
    replaced = models.PositiveIntegerField(null=True)
    tasks = models.TextField(blank=True)
    rows = models.PositiveBigIntegerField(default=0)
    rows_done = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-asked_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["property"],
                condition=models.Q(state__in=("waiting", "running", "paused")),
                name="one_run_per_property",
            )
        ]

    def __str__(self) -> str:
        return f"rules {self.rules} applied to property {self.property}"

    def progress(self) -> "Progress | None":
        """Returns the run's progress; None before any row is done."""
        if not (self.rows_done and self.started_at):
            return None
        rate = self.rows_done / max((clock.now() - self.started_at).total_seconds(), 0.001)
        return Progress(rate, max(self.rows - self.rows_done, 0) / rate)


class Erasure(models.Model):
    """Visitors, or a whole property, that somebody asked to erase. What was asked for is not kept: it would be a new
    record of the person. `visitors` are keys as decimal text, and none when it is done.

    `until_us`: what was received up to then (microseconds) is erased; `hits`: how many of them were stored when it was
    asked for. `removing`: the rows are being taken out now, and nothing else may write the property's segments.
    `waits_for`: segments that still have to go, null before it is known. `error`: why the last try failed, if it did.
    """

    class Kind(models.TextChoices):
        VISITORS = "visitors", "Visitors"
        PROPERTY = "property", "Property"

    property = models.BigIntegerField("property id")
    kind = models.CharField(max_length=10, choices=Kind)
    visitors = models.JSONField(default=list)
    until_us = models.BigIntegerField()
    hits = models.PositiveBigIntegerField(default=0)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField(auto_now_add=True)
    removing = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True)
    waits_for = models.JSONField(null=True)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of property {self.property}"

    def keys(self) -> list[int]:
        return [int(text) for text in self.visitors]


class Lease(models.Model):
    """Work that one process at a time may do: its holder, and until when, unless the holder prolongs it."""

    name = models.CharField(max_length=50, unique=True)
    holder = models.CharField(max_length=100)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"


class TaskFailure(models.Model):
    """A task of a worker that fails, and why: while it does, `seen_at` is renewed. `property` null: it concerns all."""

    task = models.CharField(max_length=200, unique=True)
    property = models.BigIntegerField("property id", null=True)
    reason = models.TextField()
    tries = models.PositiveIntegerField(default=1)
    since = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["since", "task"]

    def __str__(self) -> str:
        return self.task


class Subscription(models.Model):
    """A named reader of a log, for which hits are kept a while. The log itself keeps how far it has read."""

    log = models.CharField(max_length=32)
    name = models.CharField(max_length=100)
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["log", "name"], name="one_subscription_per_name")]

    def __str__(self) -> str:
        return self.name


class SecretFingerprint(models.Model):
    """What the secrets of the installation must hash to, see `installation.py`. The copy of a database keeps it."""

    part = models.CharField(max_length=10, primary_key=True)
    value = models.CharField(max_length=64)
    recorded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.part


class InstallationPart(models.Model):
    """Which log, store and database belong to the installation, see `installation.py`. A copy has others."""

    part = models.CharField(max_length=10, primary_key=True)
    identity = models.CharField(max_length=32)
    recorded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.part} {self.identity}"
