"""Sends ten heavy reports at once with one token, and measures sign-in, dashboard and /healthz meanwhile.

Each attack is another kind of heavy report, over all hits, which have a hundred thousand different pages.

    python -m bench.heavy_reports [--hits 1000000] [--attack patterns] [--folder /path/that/is/kept]
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench.preload import preload
from bench.record import record
from bench.site import Site, median

PAGES = 300_000
PASSWORD = "a long password of the bench"  # noqa: S105 - of an installation that is thrown away
PAUSE_S = 0.2
ALONE_S = 10
LONGEST_S = 180
RANGES = [{"startDate": f"{days}daysAgo", "endDate": "today"} for days in (40, 30, 20, 10)]
DIMENSIONS = ("pagePath", "dateHour", "browser", "deviceCategory", "sessionSource", "country", "eventName")
METRICS = ("eventCount", "totalUsers", "sessions", "screenPageViews", "engagementRate", "averageSessionDuration")


class Sent(NamedTuple):
    status: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--reports", type=int, default=10, help="at once")
    parser.add_argument("--attack", action="append", choices=ATTACKS)
    parser.add_argument("--folder", help="fills this folder, or uses it if it is filled already")
    options = parser.parse_args()
    with Site(folder=options.folder) as site:
        site.manage("shell", "-v", "0", "-c", SET_PASSWORD)
        if site.events(site.properties[0][0]) < options.hits:
            preload(site, options.hits, PAGES)
        figures: dict[str, float] = {}
        for name in options.attack or ATTACKS:
            figures |= attack(site, name, options.reports)
    record(**figures)


def attack(site: Site, name: str, count: int) -> dict[str, float]:
    """Sends the reports of an attack. Prints what was measured, and returns the longest visits (s)."""
    answers: list[Sent] = []
    senders = [threading.Thread(target=_report, args=(site, ATTACKS[name], n, answers)) for n in range(count)]

    def send() -> None:
        for thread in senders:
            thread.start()
        for thread in senders:
            thread.join()

    alone, meanwhile = _visits_during(site, lambda: time.sleep(ALONE_S)), _visits_during(site, send)
    statuses = Counter(answer.status for answer in answers)
    sys.stdout.write(
        f"{name}: {count} reports in {max(a.seconds for a in answers):.1f} s, by status {dict(statuses)}\n"
    )
    for visit, taken in meanwhile.items():
        sys.stdout.write(
            f"  {visit:12} p50 {median(taken):6.2f} s  max {max(taken):6.2f} s  ({len(taken)} times;"
            f" without reports p50 {median(alone[visit]):.2f} s, max {max(alone[visit]):.2f} s)\n"
        )
    sys.stdout.write(f"  RSS of web {site.rss_mb()['web']:.0f} MB\n")
    return {f"heavy_{name}_{visit}_max_s": max(taken) for visit, taken in meanwhile.items()}


def _visits_during(site: Site, work: Callable[[], None]) -> dict[str, list[float]]:
    """Returns the seconds of visits, one after the other of each kind, from a second after the work began on."""
    seconds: dict[str, list[float]] = {visit.__name__: [] for visit in VISITS}
    over, cookie = threading.Event(), sign_in(site)
    visits = [threading.Thread(target=_repeat, args=(visit, site, cookie, seconds, over)) for visit in VISITS]
    for thread in visits:
        thread.start()
    work()
    over.set()
    for thread in visits:
        thread.join()
    return seconds


def sign_in(site: Site, _cookie: str = "") -> str:
    """Returns the cookie of the new session."""
    page = _get(site, "/sign-in/", "")
    csrf = page.getheader("Set-Cookie", "").partition(";")[0]
    form = urlencode(
        {"username": "bench", "password": PASSWORD, "csrfmiddlewaretoken": csrf.partition("=")[2], "next": "/"}
    )
    answer = _send(site, "POST", "/sign-in/", form.encode(), {"Cookie": csrf, **FORM})
    if answer.status != http.HTTPStatus.FOUND:
        raise RuntimeError(f"signing in was answered {answer.status}")
    cookies = [value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    return "; ".join(cookies)


def dashboard(site: Site, cookie: str) -> None:
    answer = _get(site, f"/{site.properties[0][0]}/", cookie)
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"the dashboard was answered {answer.status}")


def healthz(site: Site, _cookie: str) -> None:
    _get(site, "/healthz", "")


def _patterns(number: int) -> tuple[str, Any]:
    rnd = random.Random(number)
    texts = [rf"/p/{rnd.randrange(1000)}.*[{n % 10}-9]{{1,3}}(x|y)?z{n}?$" for n in range(100)]
    conditions = [_condition("stringFilter", value=text, matchType="PARTIAL_REGEXP") for text in texts]
    return "runReport", _request(dimensionFilter={"orGroup": {"expressions": conditions}})


def _lists(number: int) -> tuple[str, Any]:
    conditions = [_condition("inListFilter", values=[f"/p/{number}/{n}/{k}" for k in range(100)]) for n in range(100)]
    return "runReport", _request(dimensionFilter={"orGroup": {"expressions": conditions}})


def _rows(_number: int) -> tuple[str, Any]:
    names = {"dimensions": [{"name": n} for n in DIMENSIONS], "metrics": [{"name": n} for n in METRICS]}
    return "runReport", _request(**names, limit=250_000)


def _batch(number: int) -> tuple[str, Any]:
    return "batchRunReports", {"requests": [_patterns(10 * number + n)[1] for n in range(5)]}


def _request(**fields: Any) -> dict[str, Any]:
    return {"dateRanges": RANGES, "dimensions": [{"name": "pagePath"}], "metrics": [{"name": "totalUsers"}], **fields}


def _condition(kind: str, **fields: Any) -> dict[str, Any]:
    return {"filter": {"fieldName": "pagePath", kind: fields}}


def _report(site: Site, make: Callable[[int], tuple[str, Any]], number: int, answers: list[Sent]) -> None:
    method, body = make(number)
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    started = time.perf_counter()
    try:
        path = f"/v1beta/properties/{site.properties[0][0]}:{method}"
        status = _send(site, "POST", path, json.dumps(body).encode(), headers).status
    except OSError:
        status = 0  # no answer
    answers.append(Sent(status, time.perf_counter() - started))


def _repeat(
    visit: Callable[[Site, str], object],
    site: Site,
    cookie: str,
    seconds: dict[str, list[float]],
    over: threading.Event,
) -> None:
    time.sleep(1)  # by now the reports are at work
    while True:
        started = time.perf_counter()
        try:
            visit(site, cookie)
        except (OSError, RuntimeError) as error:
            sys.stdout.write(f"  {visit.__name__}: {error}\n")
        seconds[visit.__name__].append(time.perf_counter() - started)
        if over.wait(PAUSE_S):
            return


def _get(site: Site, path: str, cookie: str) -> http.client.HTTPResponse:
    return _send(site, "GET", path, None, {"Cookie": cookie} if cookie else {})


def _send(site: Site, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
    """Returns the answer, read to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=LONGEST_S)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VISITS = (sign_in, dashboard, healthz)
ATTACKS: dict[str, Callable[[int], tuple[str, Any]]] = {
    "patterns": _patterns,
    "lists": _lists,
    "rows": _rows,
    "batch": _batch,
}
SET_PASSWORD = f"""
from django.contrib.auth.models import User
user = User.objects.get(username="bench")
user.set_password({PASSWORD!r})
user.save()
"""

if __name__ == "__main__":
    main()
