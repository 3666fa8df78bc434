"""What the pages of the admin show to staff who are no administrators: the objects of their own properties."""

from typing import Any

from django.contrib.admin.utils import unquote
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

    def _refuse_hidden(self, request: HttpRequest, object_id: str | None) -> None:
        if object_id is not None and self.get_object(request, unquote(object_id)) is None:  # type: ignore[attr-defined]
            raise Http404


def is_administrator(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
