"""Tables of reporting: the segments that users saved, which the code calls audiences."""

from typing import Any, ClassVar, Final

from django.db import models

from configuration.rule_models import LONGEST_AUTHOR, LONGEST_NAME, LONGEST_NOTE

LONGEST_DESCRIPTION: Final = LONGEST_NOTE


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
