"""The contents page of the reports' APIs."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from reporting import api, people
from reporting.ga4 import views as ga4

urlpatterns = [
    path("v1beta/properties/<int:number>:runReport", ga4.run_report, name="ga4-run-report"),
    path("v1beta/properties/<int:number>:batchRunReports", ga4.batch_run_reports, name="ga4-batch-run-reports"),
    path("v1beta/properties/<int:number>/metadata", ga4.metadata, name="ga4-metadata"),
    path("v1beta/<path:rest>", ga4.no_such_method, name="ga4-no-such-method"),
    path("api/properties/", api.PropertyList.as_view(), name="api-properties"),
    path("api/properties/<int:number>/", people.OneProperty.as_view(), name="api-property"),
    path("api/properties/<int:number>/visitors/export/", people.ExportVisitors.as_view(), name="api-export"),
    path("api/properties/<int:number>/visitors/erase/", people.EraseVisitors.as_view(), name="api-erase"),
    path("api/properties/<int:number>/erasures/", people.ErasureList.as_view(), name="api-erasures"),
    path("api/properties/<int:number>/status/", api.PropertyStatus.as_view(), name="api-status"),
    path("api/properties/<int:number>/rejected/", api.RejectedHits.as_view(), name="api-rejected"),
    path("api/properties/<int:number>/report/", api.PropertyReport.as_view(), name="api-report"),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
]
