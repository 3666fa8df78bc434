"""The audit log of changes of a property's rules and settings."""

from collections.abc import Sequence
from typing import TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from configuration.clock import now
from configuration.rule_models import LONGEST_AUTHOR, AuditEntry

Author: TypeAlias = AbstractBaseUser | AnonymousUser | str

COMMAND_LINE = "command line"
SYSTEM = "Hitstream"


def name_of(user: Author) -> str:
    return (user if isinstance(user, str) else user.get_username())[:LONGEST_AUTHOR]


def record(user: Author, action: str, property_number: int, subject: str = "", detail: Sequence[str] = ()) -> None:
    """Adds an entry. Call it in the transaction of the change, so that neither exists without the other."""
    AuditEntry.objects.create(
        at=now(),
        user=name_of(user),
        action=action,
        property_number=property_number,
        subject=subject[:200],
        detail=list(detail),
    )
