"""A property with real hits behind the reports' HTTP interfaces: log, receive, build, store, view, Django."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth.models import User

from configuration.access.tokens import issue
from configuration.models import Property, Token
from reporting import read_access as source
from tests.support.installation import NOON, Installation, access_log, ga4

DAY = "2026-11-20"
RANGE = {"startDate": DAY, "endDate": DAY}
MINUTE = 60_000


class Site(NamedTuple):
    property: Property
    installation: Installation
    user: User
    token: str
    bearer: dict[str, str]


@contextmanager
def site(folder: Path, settings: Any) -> Iterator[Site]:
    """Three page views of two visitors on /a and /b, one other event, one rejected line."""
    shop = Property.objects.create(name="Shop", zone="Europe/Berlin", currency="EUR")
    user = User.objects.create_user("reader")
    shop.viewers.add(user)
    settings.STORE_URL, settings.LOG_URL = f"sqlite://{folder}/store", f"sqlite://{folder}/log"
    _forget()
    installation = Installation(folder, [shop.receive_settings()])
    _send(installation, shop)
    token = issue(user, "test", Token.Scope.READ)
    yield Site(shop, installation, user, token, {"Authorization": f"Bearer {token}"})
    _forget()


def _send(installation: Installation, shop: Property) -> None:
    known: dict[str, Any] = {"property": shop.receive_settings()}
    installation.send(
        ga4(1, client="1.1", page="https://shop.example/a", **known),
        ga4(2, client="1.1", page="https://shop.example/b", at=NOON + MINUTE, **known),
        ga4(3, client="2.2", page="https://shop.example/a", session="2", **known),
        ga4(4, client="2.2", page="https://shop.example/a", session="2", event="sign_up", at=NOON + 5000, **known),
        access_log(5, "not a line of a log", **known),
    )
    installation.receive()


def _forget() -> None:
    source.view_cache.cache_clear()
    source.log.cache_clear()
    source.pending_hits.cache_clear()
