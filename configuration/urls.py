"""Addresses of rules: for programs below api/, for people below the property's page in the admin."""

from django.urls import path

from configuration.api import views as api
from configuration.pages import rule, rules, versions

RULES = "admin/configuration/property/<int:property_id>/rules/"

urlpatterns = [
    path("api/properties/<int:number>/rules/", api.DraftView.as_view(), name="api-rules"),
    path("api/properties/<int:number>/rules/check/", api.CheckView.as_view(), name="api-rules-check"),
    path("api/properties/<int:number>/rules/publish/", api.PublishView.as_view(), name="api-rules-publish"),
    path("api/properties/<int:number>/rules/versions/", api.VersionsView.as_view(), name="api-rules-versions"),
    path(
        "api/properties/<int:number>/rules/versions/<int:version>/", api.VersionView.as_view(), name="api-rules-version"
    ),
    path(
        "api/properties/<int:number>/rules/versions/<int:old>/diff/<int:new>/",
        api.DifferenceView.as_view(),
        name="api-rules-difference",
    ),
    path(
        "api/properties/<int:number>/rules/versions/<int:version>/publish/",
        api.PublishAgainView.as_view(),
        name="api-rules-again",
    ),
    path("api/properties/<int:number>/audit/", api.AuditView.as_view(), name="api-audit"),
    # Pages
    path(RULES, rules.rules, name="rules"),
    path(f"{RULES}check/", rules.check, name="rules-check"),
    path(f"{RULES}publish/", rules.publish_draft, name="rules-publish"),
    path(f"{RULES}export/", rules.export, name="rules-export"),
    path(f"{RULES}add/<slug:slug>/", rule.add, name="rules-add"),
    path(f"{RULES}<int:rule>/", rule.edit, name="rules-edit"),
    path(f"{RULES}<int:rule>/delete/", rule.delete, name="rules-delete"),
    path(f"{RULES}<int:rule>/place/", rule.place, name="rules-place"),
    path(f"{RULES}versions/", versions.versions, name="rules-versions"),
    path(f"{RULES}versions/<int:version>/", versions.version, name="rules-version"),
    path(f"{RULES}versions/<int:version>/again/", versions.again, name="rules-again"),
    path(f"{RULES}compare/", versions.compare, name="rules-compare"),
    path(f"{RULES}audit/", versions.audit, name="rules-audit"),
]
