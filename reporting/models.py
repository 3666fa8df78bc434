"""Tables of reporting: the segments that users saved, which the code calls audiences, notes on days, shared links."""

import secrets
from typing import Any, ClassVar, Final

from django.db import models

from configuration.rule_models import LONGEST_AUTHOR, LONGEST_NAME, LONGEST_NOTE

LONGEST_DESCRIPTION: Final = LONGEST_NOTE
LONGEST_TEXT: Final = 300  # of a note on a day


def new_share_token() -> str:
    return secrets.token_urlsafe(24)


class SavedAudience(models.Model):
    """A segment that everybody who may see the property may name in reports.

    `definition` has its `include` and `exclude`, see reporting/model/audience.py.
    """

    class Scope(models.TextChoices):
        USER = "user", "Users"
        SESSION = "session", "Sessions"
        EVENT = "event", "Events"

    property = models.ForeignKey("configuration.Property", on_delete=models.CASCADE, related_name="audiences")
    name = models.CharField(max_length=LONGEST_NAME)
    description = models.TextField(blank=True, max_length=LONGEST_DESCRIPTION)
    scope = models.CharField(max_length=7, choices=Scope)
    definition: "models.JSONField[Any, Any]" = models.JSONField()
    author = models.CharField(max_length=LONGEST_AUTHOR, help_text="Who changed it last.")
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "segment"
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["property", "name"], name="one_segment_of_a_name")]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """What somebody wrote about a local day of a property, such as a release. Every chart over time shows it."""

    property = models.ForeignKey("configuration.Property", on_delete=models.CASCADE, related_name="notes")
    day = models.DateField()
    text = models.CharField(max_length=LONGEST_TEXT)
    author = models.CharField(max_length=LONGEST_AUTHOR)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["day", "pk"]
        indexes: ClassVar = [models.Index(fields=["property", "day"], name="notes_of_a_property_by_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.text}"


class Share(models.Model):
    """A link by which anybody sees a property's overview, read-only: whoever has the address, and the password if there
    is one.

    `query` is the address of the overview that was shared: its filters hold for everybody; its period too unless
    `free_period`. `sites` lists the origins that may show the page in a frame.
    """

    token = models.CharField(max_length=40, unique=True, default=new_share_token, editable=False)
    property = models.ForeignKey("configuration.Property", on_delete=models.CASCADE, related_name="shares")
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.TextField(blank=True)
    free_period = models.BooleanField(default=True)
    password = models.CharField(max_length=128, blank=True)  # its hash; empty: none
    expires_at = models.DateTimeField(null=True, blank=True)
    sites = models.TextField(blank=True)
    author = models.CharField(max_length=LONGEST_AUTHOR)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
