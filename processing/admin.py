"""The lists of erasures and of failing tasks in the admin."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from configuration.models import Property
from processing.models import Erasure, TaskFailure

if TYPE_CHECKING:
    ErasurePages = admin.ModelAdmin[Erasure]
    FailurePages = admin.ModelAdmin[TaskFailure]
else:
    ErasurePages = FailurePages = admin.ModelAdmin


@admin.register(Erasure)
class ErasureAdmin(ErasurePages):
    """Read-only. It does not show which visitors were erased."""

    list_display = ("property", "kind", "hits", "asked_by", "asked_at", "removed_at", "done_at", "error")
    fields: ClassVar[Any] = list_display
    list_filter = ("kind",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False


@admin.register(TaskFailure)
class TaskFailureAdmin(FailurePages):
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
