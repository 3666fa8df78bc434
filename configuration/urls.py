"""Addresses of rules, for programs and for people."""

from django.urls import path

from configuration import api

urlpatterns = [
    path("api/properties/<int:number>/rules/", api.Draft.as_view(), name="api-rules"),
    path("api/properties/<int:number>/rules/check/", api.Check.as_view(), name="api-rules-check"),
    path("api/properties/<int:number>/rules/publish/", api.Publish.as_view(), name="api-rules-publish"),
    path("api/properties/<int:number>/rules/versions/", api.Versions.as_view(), name="api-rules-versions"),
    path("api/properties/<int:number>/rules/versions/<int:version>/", api.Version.as_view(), name="api-rules-version"),
    path(
        "api/properties/<int:number>/rules/versions/<int:old>/diff/<int:new>/",
        api.Difference.as_view(),
        name="api-rules-difference",
    ),
    path(
        "api/properties/<int:number>/rules/versions/<int:version>/publish/",
        api.PublishAgain.as_view(),
        name="api-rules-again",
    ),
    path("api/properties/<int:number>/audit/", api.Audit.as_view(), name="api-audit"),
]
