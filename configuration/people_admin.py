"""People and groups in the admin: what staff see of them, and who may give permissions."""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from configuration.admin_access import OnlyVisible, is_administrator
from configuration.models import Property, people_visible_to

if TYPE_CHECKING:
    UsersOfDjango = UserAdmin[User]
    GroupsOfDjango = GroupAdmin
else:
    UsersOfDjango, GroupsOfDjango = UserAdmin, GroupAdmin

PERMISSION_FIELDS: Final = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister([User, Group])


@admin.register(Group)
class GroupPages(OnlyVisible, GroupsOfDjango):
    """For administrators: a group belongs to no property, and gives permissions to its members."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups = super().get_queryset(request)
        return groups if is_administrator(request) else groups.none()

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return super().get_model_perms(request) if is_administrator(request) else {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request) and super().has_add_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_administrator(request) and super().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_administrator(request) and super().has_change_permission(request, obj)


@admin.register(User)
class UserPages(OnlyVisible, UsersOfDjango):
    """Django's pages of users, without the hash of the password and with times that nobody edits.

    Staff see the people of their own properties, and change those who may do no more than they themselves.
    """

    readonly_fields = ("password_state", "password_link", "last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request) & people_visible_to(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only administrators give permissions: staff could give themselves all of them."""
        fields = super().get_readonly_fields(request, obj)
        return fields if is_administrator(request) else (*fields, *PERMISSION_FIELDS)

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)
        return filters if is_administrator(request) else [name for name in filters if name != "groups"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A new user is of no property yet, so only administrators add one."""
        return is_administrator(request) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _may_change(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A user may be of other properties too, so only administrators delete one."""
        return is_administrator(request) and super().has_delete_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        shown = "password_link" if self.has_change_permission(request, obj) else "password_state"
        return [(title, _with_fields(options, {"password": shown})) for title, options in fieldsets]

    @admin.display(description="password")
    def password_state(self, user: User) -> str:
        return "Set. It cannot be shown." if user.has_usable_password() else "None: this user cannot sign in with one."

    @admin.display(description="password")
    def password_link(self, user: User) -> SafeString:
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('{} <a href="{}">Set another password</a>', self.password_state(user), address)


def _may_change(request: HttpRequest, user: User) -> bool:
    """Whoever sets a user's password can be that user."""
    if is_administrator(request) or user.pk == request.user.pk:
        return True
    seen = set(Property.objects.visible_to(request.user).values_list("pk", flat=True))
    return (
        not user.is_superuser
        and user.get_all_permissions() <= request.user.get_all_permissions()
        and set(Property.objects.visible_to(user).values_list("pk", flat=True)) <= seen
    )


def _with_fields(options: Any, others: dict[str, str]) -> Any:
    """The options of a fieldset, with some fields replaced by others."""
    return {**options, "fields": tuple(others.get(name, name) for name in options["fields"])}
