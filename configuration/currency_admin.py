"""Rates of currencies in the admin: a list, and the upload of a file."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from configuration.admin_access import OnlyVisible
from configuration.currencies import WrongRates, import_rates
from configuration.models import ExchangeRate
from configuration.numbers import how_many

if TYPE_CHECKING:
    RatePages = admin.ModelAdmin[ExchangeRate]
else:
    RatePages = admin.ModelAdmin

LARGEST_FILE = 20 * 2**20  # bytes


class RatesForm(forms.Form):
    """Stores the rates of the file when it is cleaned: what is wrong with it, the form says by line."""

    file = forms.FileField(
        help_text="CSV with the columns date, currency, target, rate, such as 2026-11-27,USD,EUR,0.9234: one US dollar"
        " was worth 0.9234 euros. A rate of the same day and currencies is replaced.",
    )
    stored = 0

    def clean_file(self) -> None:
        sent = self.cleaned_data["file"]
        if sent.size > LARGEST_FILE:
            raise ValidationError(f"The file is larger than {LARGEST_FILE // 2**20} MB; upload it in parts.")
        try:
            self.stored = import_rates(sent.read().decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValidationError("The file is not text in UTF-8; save it as CSV with this encoding.") from error
        except WrongRates as error:
            raise ValidationError(error.errors) from error


@admin.register(ExchangeRate)
class ExchangeRateAdmin(OnlyVisible, RatePages):
    list_display = ("day", "currency", "target", "rate")
    list_filter = ("currency", "target")
    fields = ("day", "currency", "target", "rate")
    date_hierarchy = "day"

    def get_urls(self) -> list[URLPattern]:
        upload = path("upload/", self.admin_site.admin_view(self.upload), name="upload-rates")
        return [upload, *super().get_urls()]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Takes a file of rates, all of it or nothing."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        form = RatesForm(request.POST, request.FILES) if request.method == "POST" else RatesForm()
        if form.is_bound and form.is_valid():
            messages.success(request, f"{how_many(form.stored, 'rate')} stored. Reports use them at once.")
            return redirect("admin:configuration_exchangerate_changelist")
        context: dict[str, Any] = {**self.admin_site.each_context(request), "title": "Upload rates", "form": form}
        return TemplateResponse(request, "admin/configuration/exchangerate/upload.html", context)
