import hashlib
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from configuration import visitor_secrets as secrets
from configuration.access import tokens
from configuration.domains import clean_domain, clean_domains
from configuration.drafts.snapshot import receive_settings, retention_days
from configuration.models import DaySalt, Property, PropertySalt, Token, may_see
from configuration.ruleset.context import Context, encode_context
from tests.support.clock import now

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOON.date()


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password="a long password")


def test_it_works() -> None:
    printed = run("add_property", "Shop", "--domain", "https://Shop.example/", "--timezone", "Europe/Berlin")
    match = re.match(r"property id:    (\d{9})\nmeasurement id: (G-[A-Z0-9]{10})\n", printed)
    assert match
    assert f"dashboard:      http://127.0.0.1:8000/{match[1]}/\n" in printed
    assert f'snippet:        <script async src="http://127.0.0.1:8000/hs.js?id={match[2]}"></script>\n' in printed
    (settings,) = receive_settings()
    assert (settings.id, settings.measurement_id) == (int(match[1]), match[2])
    assert (settings.domains, settings.zone, settings.address_bits) == (("shop.example",), "Europe/Berlin", (24, 48))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Shop", "--timezone", "Europe/Berlinn"], "'Europe/Berlinn' is not a time zone"),
        (["Shop", "--timezone", "../etc/passwd"], "is not a time zone"),
        (["Shop", "--domain", "no_spaces!"], "is not a domain name"),
        (["Shop", "--currency", "euro"], "three capital letters"),
        ([""], "cannot be blank"),
    ],
)
def test_a_property_that_makes_no_sense(words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("add_property", *words)
    assert not Property.objects.exists()


@pytest.mark.parametrize("seconds", [299, 28_501])
def test_session_timeout_out_of_bounds(seconds: int) -> None:
    with pytest.raises(ValidationError, match="session_timeout_s"):
        Property(name="Shop", session_timeout_s=seconds).full_clean()


@pytest.mark.parametrize("seconds", [300, 28_500])
def test_session_timeout_at_its_bounds(seconds: int) -> None:
    Property(name="Shop", session_timeout_s=seconds).full_clean()


def test_settings_say_what_was_chosen() -> None:
    item = Property.objects.create(name="Shop", identity="cookieless", address_precision="none", raw_retention_days=30)
    assert item.receive_settings().identity == "cookieless"
    assert item.receive_settings().address_bits == (0, 0)
    assert retention_days() == {item.pk: (30, None)}


def test_ids_are_all_different() -> None:
    items = [Property.objects.create(name="Shop") for _ in range(50)]
    assert len({item.pk for item in items}) == len({item.measurement_id for item in items}) == 50


def test_who_sees_which_property(ann: User, administrator: User) -> None:
    shop, blog = Property.objects.create(name="Shop"), Property.objects.create(name="Blog")
    shop.viewers.add(ann)
    assert list(Property.objects.visible_to(ann)) == [shop]
    assert set(Property.objects.visible_to(administrator)) == {shop, blog}
    assert not Property.objects.visible_to(AnonymousUser())
    assert [may_see(ann, number) for number in (shop.pk, blog.pk, 0)] == [True, False, False]
    assert [may_see(administrator, number) for number in (shop.pk, 0, 5)] == [True, True, False]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (" HTTPS://www.Example.org:8080/shop?a=1 ", "www.example.org"),
        ("example.org.", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
    ],
)
def test_domains_as_people_type_them(typed: str, meant: str) -> None:
    assert clean_domain(typed) == meant


def test_domains_are_listed_once_in_order() -> None:
    assert clean_domains("b.example, a.example\r\nhttps://b.example/ a.example") == "b.example\na.example"


@given(st.text(max_size=300))
def test_any_text_is_a_domain_name_or_is_refused(text: str) -> None:
    try:
        name = clean_domain(text)
    except ValidationError:
        return
    assert re.fullmatch(r"[a-z0-9_.-]{1,253}", name)
    assert clean_domain(name) == name


def test_a_token_is_shown_once_and_kept_as_a_hash(ann: User) -> None:
    text = run("issue_token", "ann", "--name", "script").strip()
    token = Token.objects.get()
    assert (token.hash, token.prefix) == (hashlib.sha256(text.encode()).hexdigest(), text[:9])
    assert tokens.authenticate(text) == token
    assert (token.allows("read"), token.allows("write")) == (True, False)


def test_scopes(ann: User) -> None:
    tokens.issue(ann, "import", "write")
    tokens.issue(ann, "both", "read write")
    assert not Token.objects.get(name="import").allows("read")
    assert all(Token.objects.get(name="both").allows(scope) for scope in ("read", "write"))


def test_tokens_that_are_refused(ann: User) -> None:
    text = tokens.issue(ann, "script")
    assert tokens.authenticate("") is tokens.authenticate(text[:-1]) is tokens.authenticate("\udcff") is None
    tokens.revoke(Token.objects.get())
    assert tokens.authenticate(text) is None


def test_a_token_of_a_user_who_was_switched_off(ann: User) -> None:
    text = tokens.issue(ann, "script")
    User.objects.update(is_active=False)
    assert tokens.authenticate(text) is None


def test_use_is_noted_once_a_minute(ann: User) -> None:
    text = tokens.issue(ann, "script")
    tokens.authenticate(text)
    first = Token.objects.get().last_used
    assert first is not None
    tokens.authenticate(text)
    assert Token.objects.get().last_used == first
    Token.objects.update(last_used=now() - timedelta(minutes=2))
    tokens.authenticate(text)
    again = Token.objects.get().last_used
    assert again is not None
    assert again >= first


def test_a_token_for_nobody() -> None:
    with pytest.raises(CommandError, match="no user 'bob'"):
        run("issue_token", "bob", "--name", "script")


def test_salts_are_made_once() -> None:
    days = [TODAY, TODAY - timedelta(days=1)]
    salts = secrets.day_salts(days)
    assert secrets.day_salts(days) == salts
    assert len(set(salts.values())) == 2
    assert {len(salt) for salt in salts.values()} == {32}
    assert secrets.property_salts([1, 2]) == secrets.property_salts([1, 2])
    assert PropertySalt.objects.count() == 2


@pytest.mark.parametrize(
    ("age_days", "received_until", "kept"),
    [
        (0, TODAY, True),
        (2, TODAY, True),  # ended 36 h ago
        (3, TODAY, False),
        (3, TODAY - timedelta(days=3), True),  # not received yet
        (7, date.min, True),
        (8, date.min, False),  # too old, received or not
    ],
)
def test_when_a_day_salt_dies(age_days: int, received_until: date, kept: bool) -> None:
    secrets.day_salts([TODAY - timedelta(days=age_days)])
    assert secrets.expire_day_salts(NOON, received_until) == (0 if kept else 1)
    assert DaySalt.objects.exists() is kept


def test_a_context_holds_no_secret() -> None:
    item = Property.objects.create(name="Shop")
    held = encode_context(Context(receive_settings()))
    for secret in (secrets.installation_secret(), secrets.property_salts([item.pk])[item.pk]):
        assert secret not in held
