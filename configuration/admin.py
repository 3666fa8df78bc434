"""Properties and tokens in the admin."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from configuration import currency_admin as currency_admin  # registers its pages
from configuration import people_admin as people_admin  # likewise
from configuration.access import tokens
from configuration.admin_access import OnlyVisible, is_administrator
from configuration.drafts.audit import record
from configuration.drafts.draft import draft
from configuration.models import Property, Token, may_manage, people_visible_to
from configuration.moments import day
from configuration.numbers import parse_number
from configuration.pages.property_page import zone_of
from configuration.ruleset.diff import differences

if TYPE_CHECKING:
    PropertyPages = admin.ModelAdmin[Property]
    TokenPages = admin.ModelAdmin[Token]
else:
    PropertyPages = TokenPages = admin.ModelAdmin

admin.site.site_header = "Hitstream"
admin.site.index_title = "Administration"

DRAFT_FIELDS: Final = ["domains", "zone", "currency", "session_timeout_s", "engaged_s", "bot_lists", "spam_list"]


@admin.register(Property)
class PropertyAdmin(OnlyVisible, PropertyPages):
    list_display = ("name", "tag", "id", "measurement_id", "zone", "rules", "created_day")
    search_fields = ("name", "measurement_id", "domains")
    filter_horizontal = ("viewers",)
    readonly_fields = ("id", "measurement_id", "snippet", "created")
    fieldsets: ClassVar[Any] = [
        (None, {"fields": ["name", "tag", "viewers"]}),
        ("Measuring", {"fields": ["snippet", "measurement_id", "id"]}),
        (
            "Reports",
            {
                "fields": DRAFT_FIELDS,
                "description": "These settings are a draft until they are published with the rules.",
            },
        ),
        ("Privacy", {"fields": ["identity", "address_precision", "remove_personal_data"]}),
        ("Data retention", {"fields": ["raw_retention_days", "report_retention_days", "created"]}),
    ]

    class Media:
        js = ("configuration/copy.js",)

    @admin.display(description="snippet")
    def snippet(self, item: Property) -> SafeString:
        return render_to_string("admin/snippet.html", {"snippet": item.snippet(settings.PUBLIC_URL)})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Property]:
        """Non-administrators see only the properties that they are viewers of."""
        return super().get_queryset(request) & Property.objects.visible_to(request.user)

    def save_model(self, request: HttpRequest, item: Property, form: Any, change: bool) -> None:
        before = draft(Property.objects.get(pk=item.pk)) if change else None
        super().save_model(request, item, form, change)
        lines = differences(before, draft(item)) if before else []
        if before is None:
            record(request.user, "property added", item.pk, item.name)
        elif lines:
            record(request.user, "settings changed", item.pk, detail=lines)
            link = format_html('<a href="{}">rules</a>', reverse("rules", args=[item.pk]))
            messages.info(request, format_html("Settings of reports are a draft until you publish the {}.", link))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Makes the user who adds a property a viewer of it."""
        super().save_related(request, form, formsets, change)
        if not change and isinstance(request.user, User) and not is_administrator(request):
            form.instance.viewers.add(request.user)

    @admin.display(description="rules")
    def rules(self, item: Property) -> SafeString:
        return format_html('<a href="{}">Rules</a>', reverse("rules", args=[item.pk]))

    def get_fieldsets(self, request: HttpRequest, obj: Property | None = None) -> Any:
        return self.fieldsets if obj else [part for part in self.fieldsets if part[0] != "Measuring"]

    def has_delete_permission(self, request: HttpRequest, obj: Property | None = None) -> bool:
        if obj is not None:
            return may_manage(request.user, obj.pk, "delete")
        return super().has_delete_permission(request, obj)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Non-administrators choose viewers among the people of their own properties."""
        if db_field.name == "viewers":
            options["queryset"] = people_visible_to(request.user)
        return super().formfield_for_manytomany(db_field, request, **options)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Leads to the page that says how much stored data is deleted with the property, and asks."""
        return redirect("delete-property", _number(object_id))

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        """Shows times on the property's clock."""
        item = self.get_object(request, object_id)
        if item is None:
            return super().change_view(request, object_id, *args, **options)
        with timezone.override(zone_of(item)):
            response = super().change_view(request, object_id, *args, **options)
            return response.render() if isinstance(response, TemplateResponse) else response

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Leads to the audit log, which has every change, also of rules and from outside the admin."""
        return redirect("rules-audit", _number(object_id))

    @admin.display(description="created", ordering="created")
    def created_day(self, item: Property) -> str:
        return day(item.created.astimezone(zone_of(item)).date())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Leaves out "delete selected": each property is deleted on a page of its own."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}


def _number(object_id: str) -> int:
    """Raises Http404 for a text that is no number of a property."""
    number = parse_number(object_id)
    if number is None:
        raise Http404
    return number


@admin.register(Token)
class TokenAdmin(OnlyVisible, TokenPages):
    list_display = ("name", "user", "scope", "prefix", "last_used", "state")
    list_filter = ("scope",)
    search_fields = ("name", "user__username")
    fields = ("name", "user", "scope")
    actions = ("revoke_chosen",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Token]:
        """Non-administrators see and revoke their own tokens: another's token sees that user's properties."""
        chosen = super().get_queryset(request)
        return chosen if is_administrator(request) else chosen.filter(user=request.user.pk)

    @admin.display(description="state")
    def state(self, token: Token) -> str:
        return f"revoked on {day(token.revoked_at.date())}" if token.revoked_at else "valid"

    @admin.action(description="Revoke the selected tokens", permissions=["delete"])
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[Token]) -> None:
        for token in chosen:
            tokens.revoke(token)
            self.log_change(request, token, "Revoked.")
        self.message_user(request, "Revoked. Requests with these tokens are refused from now on.")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        return {"user": str(request.user.pk)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Non-administrators make tokens for themselves only, since a token sees what its user sees."""
        if db_field.name == "user" and not is_administrator(request):
            options["queryset"] = User.objects.filter(username=request.user.get_username())
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, token: Token, form: Any, change: bool) -> None:
        text = tokens.prepare(token)
        super().save_model(request, token, form, change)
        shown = format_html("The token is <code>{}</code> Copy it now: it is not shown again.", text)
        messages.warning(request, shown)

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        """Tokens are made and revoked, never changed."""
        return False
