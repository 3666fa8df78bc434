"""Shared links: checked, saved, found, and deleted."""

import re
from datetime import datetime
from typing import Final, NamedTuple

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import QueryDict
from django.utils.crypto import salted_hmac

from configuration.clock import now
from configuration.drafts.audit import Author, name_of, record
from configuration.models import Property
from configuration.rule_models import LONGEST_NAME
from reporting.model.report import ReportError
from reporting.models import Share

MOST_SHARES: Final = 200  # of a property
MOST_SITES: Final = 20
LONGEST_QUERY: Final = 8_000
SHORTEST_PASSWORD: Final = 8
ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]{1,253}(:\d{1,5})?", re.ASCII)


class ShareForm(NamedTuple):
    """What a user says about a link. `password` and `sites` may be empty; `expires_at` is aware."""

    name: str
    query: str
    free_period: bool
    password: str
    expires_at: datetime | None
    sites: str


def create(property: Property, form: ShareForm, user: Author) -> Share:
    """Raises ReportError, whose words are for people."""
    name = " ".join("".join(each if each.isprintable() else " " for each in form.name).split())
    query = QueryDict(form.query).urlencode()  # so it holds no sign that a database cannot keep
    if not name or len(name) > LONGEST_NAME:
        raise ReportError(f"Give the link a name of at most {LONGEST_NAME} characters.")
    if len(query) > LONGEST_QUERY:
        raise ReportError("The address of the page is too long to be shared.")
    if form.password and len(form.password) < SHORTEST_PASSWORD:
        raise ReportError(f"The password needs at least {SHORTEST_PASSWORD} characters.")
    if form.expires_at is not None and form.expires_at <= now():
        raise ReportError("The link would have expired already.")
    sites = read_sites(form.sites)
    password = make_password(form.password) if form.password else ""
    with transaction.atomic():
        if Share.objects.filter(property=property).count() >= MOST_SHARES:
            raise ReportError(f"The property has {MOST_SHARES} links already; delete some first.")
        share = Share.objects.create(
            property=property,
            name=name,
            query=query,
            free_period=form.free_period,
            password=password,
            expires_at=form.expires_at,
            sites="\n".join(sites),
            author=name_of(user),
            created_at=now(),
        )
        record(user, "link shared", property.pk, name)
    return share


def read_sites(text: str) -> list[str]:
    """Reads origins, one a line: `https://www.example.org`. Raises ReportError."""
    sites = [line.strip().rstrip("/").lower() for line in text.splitlines() if line.strip()]
    for site in sites:
        if not ORIGIN.fullmatch(site):
            raise ReportError(f"{site[:100]!r} is not the address of a site. Write it like https://www.example.org.")
    if len(sites) > MOST_SITES:
        raise ReportError(f"At most {MOST_SITES} sites can show the page.")
    return sites


def delete(share: Share, user: Author) -> None:
    with transaction.atomic():
        record(user, "link deleted", share.property_id, share.name)
        share.delete()


def find(token: str) -> Share | None:
    """Returns the link, if there is one that has not expired, of a property that is not deleted."""
    share = Share.objects.select_related("property").filter(token=token, property__deleted_at=None).first()
    return share if share and (share.expires_at is None or share.expires_at > now()) else None


def proof_of(share: Share) -> str:
    """What a browser keeps after the right password. It changes with the password."""
    return salted_hmac("hitstream.share", f"{share.token}\0{share.password}", algorithm="sha256").hexdigest()
