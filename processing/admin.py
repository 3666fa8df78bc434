"""The lists of erasures and of failing tasks in the admin."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from configuration.admin_access import OnlyVisible
from configuration.models import Property
from processing.models import Erasure, TaskFailure

if TYPE_CHECKING:
    ErasurePages = admin.ModelAdmin[Erasure]
    FailurePages = admin.ModelAdmin[TaskFailure]
else:
    ErasurePages = FailurePages = admin.ModelAdmin


@admin.register(Erasure)
class ErasureAdmin(OnlyVisible, ErasurePages):
    """Read-only. It does not show which visitors were erased."""

    list_display = ("property", "kind", "hits", "asked_by", "asked_at", "removed_at", "done_at", "error")
    fields: ClassVar[Any] = list_display
    list_filter = ("kind",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Erasure]:
        """Non-administrators see the erasures of their own properties, and those that they asked for: a deleted
        property has no viewers any more.
        """
        found = super().get_queryset(request)
        if getattr(request.user, "is_superuser", False):
            return found
        own = Property.with_deleted.all().visible_to(request.user).values("pk")
        return found.filter(Q(property__in=own) | Q(asked_by=request.user.get_username()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False


@admin.register(TaskFailure)
class TaskFailureAdmin(OnlyVisible, FailurePages):
    """Read-only, for administrators: what the workers fail to do now, and why. They try again by themselves."""

    list_display = ("task", "property_name", "reason", "tries", "since", "seen_at")
    fields: ClassVar[Any] = list_display

    @admin.display(description="property")
    def property_name(self, item: TaskFailure) -> str:
        """Returns "" for a task that concerns all properties."""
        if item.property is None:
            return ""
        known = Property.with_deleted.filter(pk=item.property).first()
        return f"{known.name} ({item.property})" if known else str(item.property)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: TaskFailure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TaskFailure | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: TaskFailure | None = None) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
