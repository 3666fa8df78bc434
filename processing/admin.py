"""The list of erasures in the admin."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from processing.models import Erasure

if TYPE_CHECKING:
    ErasurePages = admin.ModelAdmin[Erasure]
else:
    ErasurePages = admin.ModelAdmin


@admin.register(Erasure)
class ErasureAdmin(ErasurePages):
    """Read-only. It does not show which visitors were erased."""

    list_display = ("property", "kind", "hits", "asked_by", "asked_at", "removed_at", "done_at")
    fields: ClassVar[Any] = list_display
    list_filter = ("kind",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False
