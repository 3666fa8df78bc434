"""What the pages of the admin show to staff who are no administrators: the objects of their own properties."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse


class OnlyVisible:
    """A ModelAdmin, placed before Django's, whose pages of one object are not found (404) unless `get_queryset` shows
    the object to this person. Django's own would lead to the front page with a message.
    """

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **options: Any
    ) -> HttpResponse:
        self._refuse_hidden(request, object_id)
        return super().changeform_view(request, object_id, *args, **options)  # type: ignore[misc,no-any-return]

    def delete_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        self._refuse_hidden(request, object_id)
        return super().delete_view(request, object_id, *args, **options)  # type: ignore[misc,no-any-return]

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        self._refuse_hidden(request, object_id)
        return super().history_view(request, object_id, *args, **options)  # type: ignore[misc,no-any-return]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Lists are filtered by fields that they show or have filters for: a filter tells what a hidden field has."""
        name = lookup.partition(LOOKUP_SEP)[0]
        fields = self.model._meta.get_fields()  # type: ignore[attr-defined]
        shown = {"id", *self.get_list_display(request), *map(str, self.get_list_filter(request))}  # type: ignore[attr-defined]
        hidden = any(name in (field.name, getattr(field, "attname", "")) for field in fields if field.name not in shown)
        return not hidden and super().lookup_allowed(lookup, value, request)  # type: ignore[misc]

    def _refuse_hidden(self, request: HttpRequest, object_id: str | None) -> None:
        if object_id is not None and self.get_object(request, unquote(object_id)) is None:  # type: ignore[attr-defined]
            raise Http404


def is_administrator(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
