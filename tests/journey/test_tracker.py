"""The tracker in a real browser: what it sends, keeps in cookies, and sends again."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from collection.hit import RawHit
from collection.protocols import ga4
from tests.journey.site import ID, Site, serving

pytestmark = pytest.mark.browser

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = [
    "--no-sandbox",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.co.uk 127.0.0.1, MAP *.com 127.0.0.1",
]
SESSION: Final = f"_ga_{ID.removeprefix('G-')}"
MINUTE_S: Final = 60
GTAG: Final = "window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments); }"
QUEUE: Final = (
    "window.hitstream = window.hitstream || function () { (hitstream.q = hitstream.q || []).push(arguments); };"
)
HIDE: Final = """hidden => {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => hidden ? 'hidden' : 'visible' });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        site.page("/")
        site.page("/bare", ident="")
        yield site


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="de-AT", viewport={"width": 800, "height": 600})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    errors: list[Any] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield page
    assert errors == []


def cookies(context: BrowserContext) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in context.cookies()}


def until(page: Page, condition: str) -> None:
    """Playwright's own wait evaluates text within the page, which its policy forbids."""
    for _ in range(250):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(condition)


def quiet(page: Page, site: Site, count: int) -> None:
    """Nothing comes beyond `count` hits."""
    site.wait(count)
    page.wait_for_timeout(300)
    assert len(site.hits) == count, site.hits


def test_it_works(site: Site, page: Page) -> None:
    page.goto(site.address("/?utm_source=news#part"), referer="https://elsewhere.example/")
    (hit,) = site.wait(1)

    assert site.requests[0][0] == "POST"
    assert {name: hit[name] for name in ("v", "tid", "en", "_s", "dt", "ul", "sct", "_ss", "_fv", "_nsi", "seg")} == {
        "v": "2",
        "tid": ID,
        "en": "page_view",
        "_s": "1",
        "dt": "A page",
        "ul": "de-at",
        "sct": "1",
        "_ss": "1",
        "_fv": "1",
        "_nsi": "1",
        "seg": "0",
    }
    assert hit["dl"] == site.address("/?utm_source=news")
    assert hit["dr"] == "https://elsewhere.example/"
    assert re.fullmatch(r"\d+x\d+", hit["sr"])
    assert hit["vp"] == page.evaluate("innerWidth + 'x' + innerHeight")
    assert re.fullmatch(r"\d+\.\d{10}", hit["cid"])
    assert re.fullmatch(r"\d{10}", hit["sid"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", hit["_hid"])
    assert abs(int(hit["_hts"]) - page.evaluate("Date.now()")) < 10_000
    assert "Chromium;" in hit["uafvl"]
    assert "_et" not in hit
    quiet(page, site, 1)


def test_cookies_have_googles_layout(site: Site, page: Page, context: BrowserContext) -> None:
    page.goto(site.address())
    (hit,) = site.wait(1)

    kept = cookies(context)
    assert set(kept) == {"_ga", SESSION}
    assert kept["_ga"] == f"GA1.1.{hit['cid']}"
    assert re.fullmatch(rf"GS2\.1\.j60\$l0\$h0\$s{hit['sid']}\$o1\$g0\$t\d{{10}}", kept[SESSION])
    assert all(cookie["sameSite"] == "Lax" and cookie["path"] == "/" for cookie in context.cookies())


@pytest.mark.parametrize(
    ("host", "domain", "depth"),
    [
        ("a.shop.test", ".shop.test", 2),
        ("www.shop.co.uk", ".shop.co.uk", 3),
        ("me.blogspot.com", ".me.blogspot.com", 3),
        ("127.0.0.1", "127.0.0.1", 1),
    ],
)
def test_the_widest_domain(site: Site, page: Page, context: BrowserContext, host: str, domain: str, depth: int) -> None:
    page.goto(site.address(host=host))
    site.wait(1)

    assert {cookie["domain"] for cookie in context.cookies()} == {domain}
    assert cookies(context)["_ga"].startswith(f"GA1.{depth}.")


@pytest.mark.parametrize("client", ["1234567.1600000000", "1234567890123456"])
def test_a_client_id_that_google_gave_is_kept(site: Site, page: Page, context: BrowserContext, client: str) -> None:
    context.add_cookies([{"name": "_ga", "value": f"GA1.2.{client}", "url": site.address()}])
    page.goto(site.address())
    (hit,) = site.wait(1)

    assert hit["cid"] == client
    assert (hit["_ss"], hit["_fv"]) == ("1", "1")  # new to the property,
    assert "_nsi" not in hit  # not to the site
    assert cookies(context)["_ga"].endswith(client)


@pytest.mark.parametrize("layout", ["GS1.1.{sid}.7.1.{last}.60.0.0", "GS2.1.s{sid}$o7$g1$t{last}$j60$l0$h0$dABC"])
@pytest.mark.parametrize("idle", [29 * MINUTE_S, 31 * MINUTE_S])
def test_a_session_that_google_began(site: Site, page: Page, context: BrowserContext, layout: str, idle: int) -> None:
    last = int(page.evaluate("Date.now() / 1000")) - idle
    value = layout.format(sid=last - 5, last=last)
    context.add_cookies([{"name": "_ga", "value": "GA1.1.1.2", "url": site.address()}])
    context.add_cookies([{"name": SESSION, "value": value, "url": site.address()}])
    page.goto(site.address())
    (hit,) = site.wait(1)

    if idle < 30 * MINUTE_S:
        assert (hit["sid"], hit["sct"], hit["seg"], hit.get("_ss")) == (str(last - 5), "7", "1", None)
    else:
        assert int(hit["sid"]) > last
        assert (hit["sct"], hit["seg"], hit["_ss"], hit.get("_fv")) == ("8", "0", "1", None)
    assert cookies(context)[SESSION].startswith("GS2.1.")
    assert ("$dABC" in cookies(context)[SESSION]) == ("$dABC" in layout)


@pytest.mark.parametrize("value", ["", "GA1.2.", "nonsense", "GS2.1.", "GS1.1", "GS2.1.sX$o$tY", "%00;;=", "GS2." * 20])
def test_hostile_cookies(site: Site, page: Page, context: BrowserContext, value: str) -> None:
    page.goto(site.address("/bare"))
    page.evaluate(
        "([name, value]) => { for (const one of ['_ga', name]) document.cookie = one + '=' + value; }", [SESSION, value]
    )
    page.goto(site.address())
    (hit,) = site.wait(1)

    assert re.fullmatch(r"\d+\.\d{10}", hit["cid"])
    assert re.fullmatch(r"\d{10}", hit["sid"])


def test_an_older_cookie_of_this_host_does_not_hide_the_session(
    site: Site, page: Page, context: BrowserContext
) -> None:
    page.goto(site.address("/bare", host="www.shop.test"))
    page.evaluate(f"document.cookie = '{SESSION}=GS2.1.s1600000000$o3$g0$t1600000000; path=/; max-age=9999'")
    for _ in range(2):
        page.goto(site.address(host="www.shop.test"))
    first, second, *_ = site.wait(2, "page_view")

    assert (first["sct"], first["_ss"]) == ("4", "1")
    assert (second["sct"], second["sid"], second.get("_ss")) == ("4", first["sid"], None)


def test_a_second_page_view_engages_the_session(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.goto(site.address("/"))
    first, second = site.wait(2, "page_view")

    assert (first["cid"], first["sid"]) == (second["cid"], second["sid"])
    assert (first["seg"], second["seg"]) == ("0", "1")
    assert first["_p"] != second["_p"]
    assert "_ss" not in second
    assert first["_hid"] != second["_hid"]


def test_navigation_within_a_page(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.evaluate("history.pushState({}, '', '/one'); document.title = 'One'")
    site.wait(2)
    page.evaluate("history.replaceState({}, '', '/two')")
    site.wait(3)
    page.evaluate("history.replaceState({state: 1}, '', '/two')")
    page.evaluate("location.hash = 'chapter'")
    page.evaluate("history.pushState({}, '', '/two#chapter-2')")
    page.go_back()
    page.evaluate("history.pushState({}, '', '/two#!/three')")
    site.wait(4)
    page.go_back()
    quiet(page, site, 5)

    views = site.named("page_view")
    assert [view["dl"].removeprefix(site.address()) for view in views] == ["", "one", "two", "two#!/three", "two"]
    assert [view.get("dr", "").removeprefix(site.address()) for view in views] == ["", "", "one", "two", "two#!/three"]
    assert views[1]["dt"] == "One"
    assert [view["_s"] for view in views] == ["1", "2", "3", "4", "5"]
    assert len({view["_p"] for view in views}) == 1


TIDY = "history.replaceState({}, '', location.pathname)"


def test_a_page_that_removes_its_tags_is_one_view(site: Site, page: Page) -> None:
    page.goto(site.address("/?utm_source=letter&utm_medium=email&gclid=x"))
    site.wait(1)
    page.evaluate(TIDY)
    page.evaluate("hitstream('event', 'later')")
    view, later = site.wait(2)
    quiet(page, site, 2)

    assert view["dl"] == site.address("/?utm_source=letter&utm_medium=email&gclid=x")
    assert (later["dl"], later["seg"]) == (site.address(), "0")
    page.evaluate("history.pushState({}, '', '/next')")
    assert site.wait(3)[-1]["dr"] == site.address()


def test_tags_that_are_removed_before_the_view_is_sent_belong_to_it(site: Site, page: Page) -> None:
    tidy = f"NavigatorUAData.prototype.getHighEntropyValues = async () => {TIDY};"
    site.page("/", inline=tidy)
    page.goto(site.address("/?utm_source=letter"))
    (view,) = site.wait(1)
    assert view["dl"] == site.address("/?utm_source=letter")
    page.evaluate("hitstream('event', 'later')")
    quiet(page, site, 2)
    assert site.hits[1]["dl"] == site.address()


@pytest.mark.parametrize(
    ("call", "before", "after", "views"),
    [
        ("replaceState", "/", "/?page=2", 1),
        ("replaceState", "/?a=1", "/?a=2#chapter", 1),
        ("replaceState", "/?a=1#/b?c=1", "/#/b?c=2", 1),
        ("replaceState", "/?a=1#utm_source=x", "/", 1),
        ("replaceState", "/?a=1", "/b?a=1", 2),
        ("replaceState", "/#/b", "/#/c", 2),
        ("pushState", "/", "/?page=2", 2),
        ("pushState", "/?utm_source=x", "/", 2),
        ("pushState", "/#/b?c=1", "/#/b?c=2", 2),
    ],
)
@pytest.mark.parametrize("query_views", [False, True])
def test_changes_of_the_query(
    site: Site, page: Page, call: str, before: str, after: str, views: int, query_views: bool
) -> None:
    site.page("/", attributes="data-query-views" if query_views else "")
    page.goto(site.address(before))
    site.wait(1)
    page.evaluate(f"history.{call}({{}}, '', '{after}')")
    quiet(page, site, 2 if query_views else views)


def test_a_view_that_is_replaced_at_once_is_one_view(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.evaluate("history.pushState({}, '', '/?page=2'); history.replaceState({}, '', '/?page=2&tidy')")
    quiet(page, site, 2)
    assert site.hits[1]["dl"] == site.address("/?page=2&tidy")


def test_tags_in_the_fragment_are_sent(site: Site, page: Page) -> None:
    page.goto(site.address("/?a=1#utm_source=letter"))
    site.wait(1)
    page.evaluate("location.hash = 'chapter'")
    page.evaluate("hitstream('event', 'later')")
    page.wait_for_timeout(100)
    page.evaluate("history.pushState({}, '', '/next#chapter')")
    view, later, following = site.wait(3)
    quiet(page, site, 3)

    assert view["dl"] == later["dl"] == site.address("/?a=1#utm_source=letter")
    assert (following["dl"], following["dr"]) == (site.address("/next"), site.address("/?a=1"))


def test_events_queued_before_the_script_and_after(site: Site, page: Page) -> None:
    before = f"""{QUEUE} hitstream('set', 'user_properties', {{plan: 'pro', seats: 3}});
      hitstream('event', 'early', {{n: 1.5}});"""
    site.page("/", inline=before)
    page.goto(site.address())
    site.wait(2)
    page.evaluate(
        """hitstream('event', 'late',
        {text: 'ä & ö', yes: true, none: null, f() {}, list: [1], currency: 'EUR', user_id: 'u1'})"""
    )
    view, early, late = site.wait(3)

    assert [view["en"], early["en"], late["en"]] == ["page_view", "early", "late"]
    assert (view["up.plan"], view["upn.seats"]) == ("pro", "3")
    assert early["epn.n"] == "1.5"
    assert {name: value for name, value in late.items() if name.startswith("ep")} == {
        "ep.text": "ä & ö",
        "ep.yes": "true",
        "ep.list": "[1]",
    }
    assert (late["cu"], late["uid"]) == ("EUR", "u1")


def test_commands_of_gtag(site: Site, page: Page) -> None:
    inline = f"""{GTAG} gtag('js', new Date()); gtag('config', '{ID}', {{page_title: 'Named', group: 'a'}});
      gtag('config', 'G-OTHER', {{page_title: 'Other'}}); dataLayer.push({{event: 'not ours'}});
      gtag('event', 'purchase', {{value: 1.5, transaction_id: 'T1',
        items: [{{item_id: 'S1', price: 1.5, shade: 'red'}}]}});
      gtag('event', 'elsewhere', {{send_to: 'G-OTHER'}});
      gtag('get', '{ID}', 'client_id', value => {{ window.client = value; }});"""
    site.page("/", attributes='data-key-events="purchase"', inline=inline)
    page.goto(site.address())
    view, purchase = site.wait(2)

    assert (view["dt"], view["ep.group"]) == ("Named", "a")
    assert (purchase["epn.value"], purchase["ep.transaction_id"]) == ("1.5", "T1")
    assert purchase["pr1"] == "idS1~pr1.5~k0shade~v0red"
    assert (purchase["seg"], purchase["_c"]) == ("1", "1")
    assert page.evaluate("window.client") == view["cid"]
    quiet(page, site, 2)


def test_an_event_callback_is_called(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    assert page.evaluate("new Promise(done => hitstream('event', 'leave', {event_callback: done}))") == ID


@pytest.mark.parametrize(
    ("attributes", "inline"),
    [('data-page-views="manual"', ""), ("", f"{GTAG} gtag('config', '{ID}', {{send_page_view: false}});")],
)
def test_page_views_by_hand(site: Site, page: Page, attributes: str, inline: str) -> None:
    site.page("/", attributes=attributes, inline=inline)
    page.goto(site.address())
    until(page, "window.hitstream && hitstream.q.push !== Array.prototype.push")
    page.evaluate("history.pushState({}, '', '/one')")
    page.evaluate("hitstream('event', 'page_view', {page_title: 'By hand', page_path: '/virtual'})")
    quiet(page, site, 1)

    assert (site.hits[0]["dt"], site.hits[0]["dl"]) == ("By hand", site.address("/virtual"))
    assert "ep.page_path" not in site.hits[0]


def test_long_parameters_go_into_the_body(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.evaluate("hitstream('event', 'long', {a: 'ä'.repeat(3000), b: 'b'.repeat(9000), half: '\\ud83d'})")
    site.wait(2)

    _, query, body = site.requests[1]
    assert len(query) < 1000
    assert body.startswith(b"en=long&")
    assert site.hits[1]["ep.a"] == "ä" * 3000
    assert len(site.hits[1]["ep.b"]) == 4096
    assert site.hits[1]["ep.half"] == "\ufffd"
    assert site.hits[1]["cid"] == site.hits[0]["cid"]


def test_the_collectors_side_reads_the_same(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.evaluate("hitstream('event', 'long', {note: 'ä & +'.repeat(1500)})")
    site.wait(2)

    for (_, query, body), sent in zip(site.requests, site.hits, strict=True):
        hit = RawHit(1, "own", 1, "ga4", "203.0.113.7", "", {}, query.encode(), body)
        decoded = ga4.decode(hit)
        (event,) = decoded.events
        assert (decoded.error, decoded.measurement_id, decoded.client_id) == (None, ID, sent["cid"])
        assert (decoded.client_session, decoded.hit_id) == (sent["sid"], sent["_hid"])
        assert decoded.created == int(sent["_hts"])
        assert {name: event[name] for name in ("en", "dl", "dt", "_s", "sct", "_p")}.items() <= sent.items()
    assert dict(parse_qsl(event["rest"]))["ep.note"] == ("ä & +" * 1500)[:4096]


def test_engagement_is_told_when_the_page_is_hidden(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.wait_for_timeout(1_200)
    page.evaluate(HIDE, True)
    (hit,) = site.wait(1, "user_engagement")
    assert 1_000 <= int(hit["_et"]) < 3_000
    assert (hit["seg"], hit["sid"]) == ("0", site.hits[0]["sid"])

    page.wait_for_timeout(1_100)
    page.evaluate(HIDE, False)
    page.evaluate("hitstream('event', 'back')")
    (back,) = site.wait(1, "back")
    assert int(back.get("_et", 0)) < 500  # hidden time does not count
    page.evaluate(HIDE, True)
    quiet(page, site, 3)


def test_engagement_is_told_when_the_page_is_left(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.wait_for_timeout(1_100)
    page.goto(site.address("/bare"))

    (hit,) = site.wait(1, "user_engagement")
    assert hit["dl"] == site.address()
    assert int(hit["_et"]) >= 1_000


def test_ten_seconds_engage(site: Site, page: Page) -> None:
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    page.clock.run_for(10_500)
    page.evaluate("hitstream('event', 'read')")
    (hit,) = site.wait(1, "read")

    assert hit["seg"] == "1"
    assert int(hit["_et"]) >= 10_500


def test_time_belongs_to_the_page_that_was_left(site: Site, page: Page) -> None:
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    page.clock.run_for(5_000)
    page.evaluate("document.title = 'Next'; history.pushState({}, '', '/next')")
    page.clock.run_for(10)
    _, engagement, view = site.wait(3)

    assert (engagement["en"], engagement["dl"], engagement["dt"]) == ("user_engagement", site.address(), "A page")
    assert int(engagement["_et"]) >= 5_000
    assert (view["en"], view["dl"], view["dt"]) == ("page_view", site.address("/next"), "Next")
    assert int(view.get("_et", 0)) < 1_000


def test_half_an_hour_of_silence_ends_the_session(site: Site, page: Page) -> None:
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    page.clock.run_for(29 * 60_000)
    page.evaluate("hitstream('event', 'same')")
    page.clock.run_for(31 * 60_000)
    page.evaluate("hitstream('event', 'other')")
    view, same, other = site.wait(3)

    assert same["sid"] == view["sid"]
    assert "_ss" not in same
    assert (other["_ss"], other["sct"], other.get("_fv")) == ("1", "2", None)
    assert other["sid"] != view["sid"]


def test_reading_for_long_stays_in_the_session(site: Site, page: Page) -> None:
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    page.clock.run_for(40 * 60_000)
    page.evaluate(HIDE, True)
    view, engagement = site.wait(2)
    assert (engagement["sid"], engagement["seg"], engagement.get("_ss")) == (view["sid"], "1", None)

    page.clock.run_for(40 * 60_000)  # away for long, then back: a new one
    page.evaluate(HIDE, False)
    page.clock.run_for(2_000)
    page.evaluate(HIDE, True)
    later = site.wait(3)[-1]
    assert (later["en"], later["_ss"], later["sct"], later["seg"]) == ("user_engagement", "1", "2", "0")


@pytest.mark.parametrize("status", [503, 429])
def test_a_refused_hit_is_sent_again_with_the_same_id(site: Site, page: Page, status: int) -> None:
    site.status = status
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    until(page, "localStorage.length === 1")
    page.clock.run_for(6_500)
    site.wait(2)
    until(page, "JSON.parse(Object.values(localStorage)[0]).tries === 2")
    page.clock.run_for(4_000)
    quiet(page, site, 2)  # it backs off

    site.status = 204
    page.clock.run_for(10_000)
    first, *_, last = site.wait(3)
    assert {name: value for name, value in last.items() if name != "status"} == {
        name: value for name, value in first.items() if name != "status"
    }
    until(page, "localStorage.length === 0")
    page.clock.run_for(3_600_000)
    quiet(page, site, 3)


def test_a_lost_hit_is_sent_by_the_next_page(site: Site, page: Page, context: BrowserContext) -> None:
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    context.set_offline(True)
    page.evaluate("hitstream('event', 'offline')")
    until(page, "localStorage.length === 1")
    created = page.evaluate("Date.now()")
    context.set_offline(False)
    page.clock.run_for(100)
    (hit,) = site.wait(1, "offline")  # the `online` event does not wait

    assert abs(int(hit["_hts"]) - created) < 5_000
    until(page, "localStorage.length === 0")


def test_a_hit_lost_by_one_page_is_sent_by_another(site: Site, page: Page, context: BrowserContext) -> None:
    site.status = 503
    page.goto(site.address())
    site.wait(1)
    until(page, "localStorage.length === 1")
    page.goto(site.address("/bare"))
    site.status = 204

    other = context.new_page()
    other.clock.install()
    other.goto(site.address())
    site.wait(2)
    other.clock.run_for(10_000)
    first, again, _ = site.wait(3, "page_view")
    assert again["_hid"] == first["_hid"]
    assert again["_hts"] == first["_hts"]


def test_what_is_kept_is_bounded(site: Site, page: Page) -> None:
    site.status = 503
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    page.evaluate("for (let n = 0; n < 120; n++) hitstream('event', 'n' + n)")
    site.wait(121, seconds=15)
    until(page, "localStorage.length === 100")
    assert "n119" in page.evaluate("JSON.stringify(Object.values(localStorage))")
    assert "page_view" not in page.evaluate("JSON.stringify(Object.values(localStorage))")

    page.goto(site.address("/bare"))
    page.clock.set_system_time(page.evaluate("Date.now()") + 73 * 3_600_000)
    site.status = 204
    page.goto(site.address())
    page.clock.run_for(5_000)
    until(page, "localStorage.length === 0")
    quiet(page, site, 122)
    assert site.wait(122)[-1]["en"] == "page_view"


def test_a_hit_that_can_never_be_accepted_is_dropped(site: Site, page: Page) -> None:
    site.status = 413
    page.clock.install()
    page.goto(site.address())
    site.wait(1)
    page.wait_for_timeout(200)
    page.clock.run_for(600_000)
    quiet(page, site, 1)
    assert page.evaluate("localStorage.length") == 0


def test_spoilt_storage_does_no_harm(site: Site, page: Page) -> None:
    page.clock.install()
    page.goto(site.address("/bare"))
    page.evaluate(
        """id => {
        const now = Date.now();
        for (const [n, v] of [['1_a', '{'], [now + '_b', '{'], [now + '_c', '5'], ['x', 'null']])
        localStorage.setItem('_hs_' + id + '_' + n, v); }""",
        ID,
    )
    page.goto(site.address())
    page.clock.run_for(60_000)
    quiet(page, site, 1)


def test_two_tabs_are_one_session(site: Site, context: BrowserContext) -> None:
    one, two = context.new_page(), context.new_page()
    one.goto(site.address())
    site.wait(1)
    two.goto(site.address())
    site.wait(2)
    one.evaluate("hitstream('event', 'from_one')")
    two.evaluate("hitstream('event', 'from_two')")

    hits = site.wait(4)
    assert len({(hit["cid"], hit["sid"], hit["sct"]) for hit in hits}) == 1
    assert [hit.get("_ss") for hit in hits] == ["1", None, None, None]


def test_two_tabs_do_not_both_send_a_kept_hit(site: Site, context: BrowserContext) -> None:
    pages = [context.new_page(), context.new_page()]
    for page in pages:
        page.goto(site.address())
    site.wait(2)
    site.status = 503
    pages[0].evaluate("hitstream('event', 'kept')")
    site.wait(1, "kept")
    until(pages[0], "localStorage.length === 1")
    site.status = 204
    for page in pages:
        page.evaluate("dispatchEvent(new Event('online'))")
    until(pages[0], "localStorage.length === 0")
    pages[0].wait_for_timeout(300)
    assert {hit["_hid"] for hit in site.named("kept")} == {site.named("kept")[0]["_hid"]}


def test_a_disabled_id_sends_and_keeps_nothing(site: Site, page: Page, context: BrowserContext) -> None:
    site.page("/", inline=f"window['ga-disable-{ID}'] = true;")
    page.goto(site.address())
    page.wait_for_timeout(500)
    page.evaluate("hitstream('event', 'x')")
    page.wait_for_timeout(300)

    assert site.hits == []
    assert context.cookies() == []
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize(
    ("attributes", "inline"),
    [
        ("data-cookieless", ""),
        ("", f"{GTAG} gtag('consent', 'default', {{analytics_storage: 'denied'}});"),
        ("", "Object.defineProperty(document, 'cookie', {get: () => '', set() {}});"),
    ],
)
def test_without_cookies(site: Site, page: Page, context: BrowserContext, attributes: str, inline: str) -> None:
    site.page("/", attributes=attributes, inline=inline)
    site.status = 503
    page.clock.install()
    page.goto(site.address())
    (hit,) = site.wait(1)
    page.clock.run_for(60_000)
    quiet(page, site, 1)

    assert not {"cid", "sid", "sct", "seg", "_ss", "_fv", "uafvl"} & set(hit)
    assert len(hit["_hid"]) == 22
    assert context.cookies() == []
    assert page.evaluate("localStorage.length") == 0


def test_consent_that_is_given_later(site: Site, page: Page, context: BrowserContext) -> None:
    site.page("/", inline=f"{GTAG} gtag('consent', 'default', {{analytics_storage: 'denied'}});")
    page.goto(site.address())
    site.wait(1)
    page.evaluate("gtag('consent', 'update', {analytics_storage: 'granted'}); gtag('event', 'after')")
    view, after = site.wait(2)

    assert "cid" not in view
    assert (after["_ss"], after["_fv"]) == ("1", "1")
    assert set(cookies(context)) == {"_ga", SESSION}


@pytest.mark.parametrize(("attributes", "count"), [("data-respect-dnt", 0), ("", 1)])
def test_global_privacy_control(site: Site, page: Page, attributes: str, count: int) -> None:
    site.page(
        "/", attributes=attributes, inline="Object.defineProperty(navigator, 'globalPrivacyControl', {value: true});"
    )
    page.goto(site.address())
    page.wait_for_timeout(500)
    quiet(page, site, count)


def test_a_page_nobody_sees_is_not_counted_until_it_is_seen(site: Site, page: Page) -> None:
    site.page("/", inline=f"({HIDE})(true); {QUEUE} hitstream('event', 'queued');")
    page.goto(site.address())
    page.wait_for_timeout(500)
    assert site.hits == []

    page.evaluate(HIDE, False)
    assert [hit["en"] for hit in site.wait(2)] == ["page_view", "queued"]


def test_loaded_twice(site: Site, page: Page) -> None:
    site.page("/")
    site.pages["/"] += f'<script async src="/hs.js?id={ID}"></script>'
    page.goto(site.address())
    page.wait_for_timeout(500)
    page.evaluate("hitstream('event', 'once'); history.pushState({}, '', '/next')")
    quiet(page, site, 3)


def test_two_properties_on_one_page(site: Site, page: Page) -> None:
    site.pages["/"] += '<script async src="/hs.js?id=G-TEST000002"></script>'
    page.goto(site.address())
    site.wait(2, "page_view")
    until(page, "hitstream.ids['G-TEST000002']")
    page.evaluate("hitstream('event', 'both'); hitstream('event', 'one', {send_to: 'G-TEST000002'})")

    assert {hit["tid"] for hit in site.wait(2, "both")} == {ID, "G-TEST000002"}
    assert [hit["tid"] for hit in site.wait(1, "one")] == ["G-TEST000002"]
    assert len({hit["cid"] for hit in site.hits}) == 1
    quiet(page, site, 5)


@pytest.mark.parametrize("inline", ["window.fetch = null;", "window.dataLayer = 5;", "delete window.localStorage;", ""])
def test_errors_do_not_reach_the_page(site: Site, page: Page, inline: str) -> None:
    site.page("/", inline=inline, ident=ID if inline else "")
    site.pages["/"] += "" if inline else '<script async src="/hs.js"></script>'
    page.goto(site.address())
    page.wait_for_timeout(400)
    page.evaluate("window.hitstream && hitstream('event', 'x', {a: 1n, get b() { throw new Error('b'); }})")
    page.wait_for_timeout(200)


def test_the_script_is_kept_by_the_browser(site: Site, page: Page) -> None:
    page.goto(site.address())
    site.wait(1)
    page.goto(site.address())
    site.wait(2, "page_view")

    size = page.evaluate("performance.getEntriesByName(document.querySelector('script[src]').src)[0].transferSize")
    assert size == 0
