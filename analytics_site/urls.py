"""The addresses that Django answers; the collector's are in collection/collector/app.py."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import URLPattern, URLResolver, include, path

from analytics_site.error_pages import no_such_page
from analytics_site.sign_in import change_password
from analytics_site.sign_out import sign_out
from reporting.dashboard import note_pages, share_pages, views
from reporting.help.views import help_page

handler400 = "analytics_site.error_pages.answer_bad_request"
handler403 = "analytics_site.error_pages.answer_forbidden"
handler404 = "analytics_site.error_pages.answer_not_found"
handler500 = "analytics_site.error_pages.answer_failure"

urlpatterns: list[URLPattern | URLResolver] = [
    # The dashboard
    path("", views.home, name="home"),
    path("<int:property_id>/", views.dashboard, name="dashboard"),
    path("<int:property_id>/panels/", views.panels_only, name="panels"),
    path("<int:property_id>/details/<slug:panel>/<slug:tab>/", views.details, name="details"),
    path(
        "<int:property_id>/details/<slug:panel>/<slug:tab>/<slug:extension>/", views.details_file, name="details-file"
    ),
    path("<int:property_id>/notes/", note_pages.add_note, name="add-note"),
    path("<int:property_id>/notes/<int:note>/delete/", note_pages.delete_note, name="delete-note"),
    path("<int:property_id>/visits/", views.visits, name="visits"),
    path("<int:property_id>/visits/<slug:key>/", views.visitor, name="visitor"),
    path("<int:property_id>/shares/", share_pages.shares, name="shares"),
    path("<int:property_id>/shares/<int:share>/delete/", share_pages.delete_share, name="delete-share"),
    path("shared/<slug:token>/", share_pages.shared, name="shared"),
    path("shared/<slug:token>/panels/", share_pages.shared_panels, name="shared-panels"),
    path("shared/<slug:token>/open/", share_pages.open_share, name="open-share"),
    path("<int:property_id>/realtime/", views.realtime_page, name="realtime"),
    path("<int:property_id>/realtime/panels/", views.realtime_panels, name="realtime-panels"),
    path("<int:property_id>/not-counted/", views.not_counted, name="not-counted"),
    path("help/", help_page, name="help"),
    path("help/<slug:name>/", help_page, name="help"),
    path("sign-in/", LoginView.as_view(), name="login"),
    path("sign-out/", sign_out, name="logout"),
    # Reports for programs: Google's report API, and our own
    path("", include("reporting.urls")),
    # Rules
    path("", include("configuration.urls")),
    # Export and erasure of visitors' data
    path("", include("processing.urls")),
    # Properties, people, tokens
    path("admin/logout/", sign_out),
    path("admin/password_change/", admin.site.admin_view(change_password, cacheable=True)),
    path("admin/r/<path:rest>", no_such_page),
    path("admin/autocomplete/", no_such_page),
    path("admin/", admin.site.urls),
]
