"""Google's own Python client, REST transport, against a live server on loopback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta import types as ga
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Forbidden
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials

from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture
def shop(tmp_path: Path, settings: Any, live_server: Any) -> Iterator[Site]:
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def google(shop: Site, live_server: Any) -> Iterator[BetaAnalyticsDataClient]:
    with client(live_server.url, shop.token) as opened:
        yield opened


def client(address: str, token: str) -> BetaAnalyticsDataClient:
    options = ClientOptions(api_endpoint=address)
    return BetaAnalyticsDataClient(transport="rest", client_options=options, credentials=Credentials(token))


def request(shop: Site, **more: Any) -> ga.RunReportRequest:
    days = more.pop("date_ranges", [ga.DateRange(start_date=DAY, end_date=DAY)])
    return ga.RunReportRequest(property=f"properties/{shop.property.id}", date_ranges=days, **more)


def path_filter() -> ga.FilterExpression:
    kind = ga.Filter.StringFilter.MatchType.PARTIAL_REGEXP
    text = ga.Filter.StringFilter(match_type=kind, value="^/[AB]$")
    return ga.FilterExpression(filter=ga.Filter(field_name="pagePath", string_filter=text))


def event_count_filter() -> ga.FilterExpression:
    operation = ga.Filter.NumericFilter.Operation.GREATER_THAN
    number = ga.Filter.NumericFilter(operation=operation, value=ga.NumericValue(int64_value=9))
    return ga.FilterExpression(filter=ga.Filter(field_name="eventCount", numeric_filter=number))


def rows(response: Any) -> list[list[str]]:
    return [
        [cell.value for values in (row.dimension_values, row.metric_values) for cell in values] for row in response.rows
    ]


def test_it_works(shop: Site, google: BetaAnalyticsDataClient) -> None:
    dimensions = [ga.Dimension(name="pagePath")]
    metrics = [ga.Metric(name="screenPageViews"), ga.Metric(name="averageSessionDuration")]
    response = google.run_report(request(shop, dimensions=dimensions, metrics=metrics))
    assert rows(response) == [["/a", "2", "32.5"], ["/b", "1", "60"]]
    assert response.row_count == 2
    assert [header.type_ for header in response.metric_headers] == [
        ga.MetricType.TYPE_INTEGER,
        ga.MetricType.TYPE_SECONDS,
    ]
    assert (response.metadata.currency_code, response.metadata.time_zone) == ("EUR", "Europe/Berlin")
    assert response.kind == "analyticsData#runReport"


def test_filters_orders_pages_and_totals(shop: Site, google: BetaAnalyticsDataClient) -> None:
    days = [
        ga.DateRange(start_date=DAY, end_date=DAY, name="day"),
        ga.DateRange(start_date="2020-01-01", end_date=DAY),
    ]
    response = google.run_report(
        request(
            shop,
            date_ranges=days,
            dimensions=[ga.Dimension(name="pagePath")],
            metrics=[ga.Metric(name="totalUsers")],
            dimension_filter=ga.FilterExpression(and_group=ga.FilterExpressionList(expressions=[path_filter()])),
            metric_filter=ga.FilterExpression(not_expression=event_count_filter()),
            order_bys=[ga.OrderBy(desc=True, dimension=ga.OrderBy.DimensionOrderBy(dimension_name="pagePath"))],
            metric_aggregations=[ga.MetricAggregation.TOTAL, ga.MetricAggregation.MAXIMUM],
            limit=3,
            offset=1,
        )
    )
    assert rows(response) == [["/b", "date_range_1", "1"], ["/a", "day", "2"], ["/a", "date_range_1", "2"]]
    assert response.row_count == 4
    assert [[cell.value for cell in row.dimension_values] for row in response.totals] == [
        ["RESERVED_TOTAL", "day"],
        ["RESERVED_TOTAL", "date_range_1"],
    ]
    assert [row.metric_values[0].value for row in response.totals] == ["2", "2"]
    assert [row.metric_values[0].value for row in response.maximums] == ["2", "2"]


def test_a_report_without_rows(shop: Site, google: BetaAnalyticsDataClient) -> None:
    nothing = ga.Filter(field_name="pagePath", in_list_filter=ga.Filter.InListFilter(values=["/none"]))
    response = google.run_report(
        request(shop, metrics=[ga.Metric(name="sessions")], dimension_filter=ga.FilterExpression(filter=nothing))
    )
    assert (rows(response), response.row_count) == ([], 0)


def test_a_batch(shop: Site, google: BetaAnalyticsDataClient) -> None:
    one = request(shop, metrics=[ga.Metric(name="eventCount")])
    batch = ga.BatchRunReportsRequest(property=f"properties/{shop.property.id}", requests=[one, one])
    assert [rows(each) for each in google.batch_run_reports(batch).reports] == [[["4"]], [["4"]]]


def test_metadata(shop: Site, google: BetaAnalyticsDataClient) -> None:
    metadata = google.get_metadata(name=f"properties/{shop.property.id}/metadata")
    assert "pagePath" in {each.api_name for each in metadata.dimensions}
    rate = next(each for each in metadata.metrics if each.api_name == "engagementRate")
    assert (rate.ui_name, rate.type_) == ("Engagement rate", ga.MetricType.TYPE_FLOAT)
    assert rate.description


def test_errors_arrive_as_the_clients_own(shop: Site, google: BetaAnalyticsDataClient, live_server: Any) -> None:
    wrong = request(shop, metrics=[ga.Metric(name="session")])
    with pytest.raises(BadRequest, match="Did you mean sessions"):
        google.run_report(wrong)
    with client(live_server.url, "nonsense") as stranger, pytest.raises(RefreshError):
        stranger.run_report(wrong)  # the client answers a 401 by asking for another token
    with pytest.raises(Forbidden, match="no property 1"):
        google.run_report(ga.RunReportRequest(property="properties/1"))
