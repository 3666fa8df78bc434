"""Rules as rows of the database: drafts, published versions, and the audit log."""

from typing import Any, ClassVar, Final, NoReturn

from django.db import models
from django.utils import timezone

from configuration.ruleset.ruleset import Ruleset, decode_ruleset

LONGEST_NAME: Final = 100
LONGEST_NOTE: Final = 2000
LONGEST_AUTHOR: Final = 150


class Unchangeable(TypeError):
    """Published versions and audit entries are never changed and never deleted."""


class DraftRule(models.Model):
    """One rule of the draft; `body` holds the fields of its kind besides name, note and state."""

    class State(models.TextChoices):
        ON = "on", "On"
        OFF = "off", "Off"
        TESTING = "testing", "Testing"

    property = models.ForeignKey("configuration.Property", on_delete=models.CASCADE, related_name="draft_rules")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=LONGEST_NAME)
    note = models.TextField(blank=True, max_length=LONGEST_NOTE)
    state = models.CharField(max_length=8, choices=State, default=State.ON)
    position = models.PositiveIntegerField(help_text="Among the rules of its kind, from 1.")
    body = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["position", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["property", "kind", "name"], name="one_rule_of_a_kind_and_name")
        ]

    def __str__(self) -> str:
        return self.name


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **values: Any) -> NoReturn:
        raise Unchangeable(self.model.__doc__)

    def delete(self) -> NoReturn:
        raise Unchangeable(self.model.__doc__)


class AppendOnly(models.Model):
    """Rows that are added and read, never changed or deleted."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise Unchangeable(self.__doc__)
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise Unchangeable(self.__doc__)


class RulesVersion(AppendOnly):
    """A published version is never changed and never deleted."""

    property_number = models.BigIntegerField()
    number = models.PositiveIntegerField(help_text="From 1, without gaps.")
    author = models.CharField(max_length=LONGEST_AUTHOR)
    note = models.TextField(blank=True, max_length=LONGEST_NOTE)
    content = models.TextField(help_text="JSON, see ruleset.py.")
    published_at = models.DateTimeField(default=timezone.now)  # noqa: TID251 - `publish` says when

    class Meta:
        ordering: ClassVar = ["property_number", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["property_number", "number"], name="one_version_of_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.property_number}, version {self.number}"

    def ruleset(self) -> Ruleset:
        """Raises UnreadableRuleset."""
        return decode_ruleset(self.content.encode())


class AuditEntry(AppendOnly):
    """An entry of the audit log is never changed and never deleted."""

    at = models.DateTimeField(default=timezone.now)  # noqa: TID251 - `record` says when
    user = models.CharField(max_length=LONGEST_AUTHOR)
    action = models.CharField(max_length=40)
    property_number = models.BigIntegerField()
    subject = models.CharField(max_length=200, help_text="The changed object, such as a rule's kind and name.")
    detail = models.JSONField(default=list, help_text="What changed, a sentence each.")

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["property_number", "-at"], name="audit_of_a_property")]
        verbose_name_plural = "audit log"

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


def newest_version(property_number: int) -> RulesVersion | None:
    found: RulesVersion | None = (
        RulesVersion.objects.filter(property_number=property_number).order_by("-number").first()
    )
    return found
