"""The columns of facts: what the steps derive from an event. See schema.py."""

from typing import Final

import polars as pl

from processing.columns.column import Column, Steady, Summed

# Text is null where it is unknown; reports say "(not set)".
FACT_COLUMNS: Final = (
    Column("event", pl.String()),
    Column("host", pl.String()),
    Column("path", pl.String()),
    Column("query", pl.String(), added=True),  # of the page, without tags and click ids
    Column("source", pl.String(), attribution=Steady(1, 11)),
    Column("medium", pl.String(), attribution=Steady(1, 12)),
    Column("campaign", pl.String(), attribution=Steady(1, 13)),
    Column("channel", pl.String(), attribution=Steady(1, 14)),
    # channels of the owner's own groups, see custom_values.py
    Column("groups", pl.String(), added=True, attribution=Steady(1, 15)),
    Column("country", pl.String(), condensed=Steady(1, 7)),  # English name
    Column("device", pl.String(), condensed=Steady(1, 8)),  # desktop, mobile, tablet, smart tv
    Column("browser", pl.String(), condensed=Steady(1, 9)),
    Column("system", pl.String(), condensed=Steady(1, 10)),
    Column("page_view", pl.Boolean(), condensed=Summed(1, 1, pl.UInt32())),
    Column("first_visit", pl.Boolean()),
    Column("key_event", pl.Boolean()),
    Column("client_engaged", pl.Boolean()),  # the client says that its session is engaged
    Column("signals", pl.Boolean()),  # this source reports engagement time
    Column("engagement_ms", pl.Int64(), condensed=Summed(1, 2, pl.Int64())),
    # once-per-session key events that this event is: one bit for each, see sessionize.py; null: none
    Column("once", pl.UInt64(), added=True),
    Column("key_value", pl.Int64(), added=True),  # what it is worth as a key event, millionths
    # the owner's dimensions, metrics and content groups, see custom_values.py
    Column("custom", pl.String(), added=True),
    Column("title", pl.String(), added=True),  # of the page
    Column("referrer", pl.String(), added=True),  # the whole URL
    Column("scheme", pl.String(), added=True),  # of the page's URL: https, http
    Column("viewport", pl.String(), added=True),  # 1280x720
    Column("screen", pl.String(), added=True, condensed=Steady(2, 1)),  # 1920x1080
    Column("language", pl.String(), added=True, condensed=Steady(2, 2)),  # en-us
    Column("region", pl.String(), added=True, condensed=Steady(2, 3)),  # English name
    Column("city", pl.String(), added=True, condensed=Steady(2, 4)),  # English name
    Column("brand", pl.String(), added=True, condensed=Steady(2, 5)),  # who made the device
    Column("model", pl.String(), added=True, condensed=Steady(2, 6)),  # of the device
    Column("browser_version", pl.String(), added=True, condensed=Steady(2, 7)),
    Column("system_version", pl.String(), added=True, condensed=Steady(2, 8)),
    Column("protocol", pl.String(), added=True, condensed=Steady(2, 9)),  # the name of one of PROTOCOLS
    Column("signed_in", pl.Boolean(), added=True, condensed=Steady(2, 10)),  # the client sent a user id
    # money in millionths of the event's currency; null: the client sent none
    Column("transaction_id", pl.String(), added=True),
    Column("order_key", pl.UInt64(), added=True),  # of purchases: a hash of the transaction id
    Column("value", pl.Int64(), added=True),
    Column("tax", pl.Int64(), added=True),
    Column("shipping", pl.Int64(), added=True),
    Column("coupon", pl.String(), added=True),
    Column("currency", pl.String(), added=True),  # ISO 4217; XXX: no such code; null: the property's
    Column("item_quantity", pl.Int64(), added=True),  # units of all items of the event; null: it has no items
    Column("item_value", pl.Int64(), added=True),  # the items' prices times their quantities
    # what the parameters of a click, a download, a scroll, a search, a form or a video say, see interactions.py
    Column("interaction", pl.String(), added=True),
    # of the campaign: term, content, id, platform and the kind of click id, see campaign.py
    Column("campaign_details", pl.String(), added=True, attribution=Steady(2, 21)),
    # the client's number of the session, from 1
    Column("visit_number", pl.UInt32(), added=True, attribution=Steady(2, 22)),
    Column("vital", pl.String(), added=True),  # the web vital that the event measures: LCP, INP, CLS, FCP, TTFB
    Column("vital_value", pl.Int64(), added=True),  # millionths of a millisecond; of CLS, which has no unit, of 1
    Column("error_message", pl.String(), added=True),  # of an exception, as the page says it
    Column("error_fatal", pl.Boolean(), added=True),  # null: the event is no exception
)
