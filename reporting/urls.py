"""Addresses of the APIs of reports, and of the pages on rules and history."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from reporting.api import audiences, downloads, notes, privacy, reports
from reporting.api import rules as rules_api
from reporting.audiences import pages as segment_pages
from reporting.ga4 import views as ga4
from reporting.rules import history_pages
from reporting.rules import pages as rules_pages
from reporting.rules.run_status import ACTIONS

RULES = "properties/<int:property_id>/rules/"
SEGMENTS = "admin/configuration/property/<int:property_id>/segments/"

urlpatterns = [
    *(
        path(f"v1beta/properties/<int:number>:{method}", ga4.report_method(method), name=f"ga4-{method}")
        for method in ga4.REPORT_METHODS
    ),
    path("v1beta/properties/<int:number>:batchRunReports", ga4.batch_run_reports, name="ga4-batch-run-reports"),
    path("v1beta/properties/<int:number>/metadata", ga4.metadata, name="ga4-metadata"),
    path("v1beta/<path:rest>", ga4.no_such_method, name="ga4-no-such-method"),
    path("api/properties/", reports.PropertyList.as_view(), name="api-properties"),
    path("api/properties/<int:number>/", privacy.OneProperty.as_view(), name="api-property"),
    path("api/properties/<int:number>/visitors/export/", privacy.ExportVisitors.as_view(), name="api-export"),
    path("api/properties/<int:number>/visitors/erase/", privacy.EraseVisitors.as_view(), name="api-erase"),
    path("api/properties/<int:number>/erasures/", privacy.ErasureList.as_view(), name="api-erasures"),
    path("api/properties/<int:number>/status/", reports.PropertyStatus.as_view(), name="api-status"),
    path("api/properties/<int:number>/rejected/", reports.RejectedHits.as_view(), name="api-rejected"),
    path("api/properties/<int:number>/report/", reports.PropertyReport.as_view(), name="api-report"),
    path("api/properties/<int:number>/notes/", notes.Notes.as_view(), name="api-notes"),
    path("api/properties/<int:number>/notes/<int:note>/", notes.OneNote.as_view(), name="api-note"),
    path("api/properties/<int:number>/segments/", audiences.Audiences.as_view(), name="api-segments"),
    path("api/properties/<int:number>/segments/<int:segment>/", audiences.OneAudience.as_view(), name="api-segment"),
    path("api/properties/<int:number>/events/", downloads.Events.as_view(), name="api-events"),
    path("api/properties/<int:number>/rules/trace/", rules_api.TryHit.as_view(), name="api-rules-trace"),
    path("api/properties/<int:number>/rules/preview/", rules_api.PreviewRules.as_view(), name="api-rules-preview"),
    path("api/properties/<int:number>/history/", rules_api.Runs.as_view(), name="api-history"),
    path("api/properties/<int:number>/history/<int:run>/", rules_api.Run.as_view(), name="api-history-run"),
    *(
        path(
            f"api/properties/<int:number>/history/<int:run>/{action}/",
            rules_api.RunAction.as_view(action=action),
            name=f"api-history-{action}",
        )
        for action in ACTIONS
    ),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    # Pages on segments
    path(SEGMENTS, segment_pages.segments, name="segments"),
    path(f"{SEGMENTS}add/", segment_pages.add, name="segments-add"),
    path(f"{SEGMENTS}<int:segment>/", segment_pages.edit, name="segments-edit"),
    path(f"{SEGMENTS}<int:segment>/delete/", segment_pages.delete, name="segments-delete"),
    # Pages on rules and history
    path(RULES, rules_pages.home, name="rules-home"),
    path(f"{RULES}try/", rules_pages.try_hit, name="rules-try"),
    path(f"{RULES}preview/", rules_pages.preview, name="rules-preview"),
    path(f"{RULES}history/", history_pages.history, name="rules-history"),
    path(f"{RULES}history/confirm/", history_pages.confirm, name="rules-history-confirm"),
    path(f"{RULES}history/apply/", history_pages.apply, name="rules-history-apply"),
    path(f"{RULES}history/<int:run_id>/", history_pages.run, name="rules-run"),
    path(f"{RULES}history/<int:run_id>/progress/", history_pages.progress, name="rules-run-progress"),
    *(
        path(
            f"{RULES}history/<int:run_id>/{action}/",
            history_pages.request_action,
            {"action": action},
            name=f"rules-run-{action}",
        )
        for action in ACTIONS
    ),
]
