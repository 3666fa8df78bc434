"""The visitor key: equal where it should be, different everywhere else, and never without its salt."""

import hashlib
import hmac
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.ingest.visitor_keys import ByClientId, ByDay, ByProperty, MissingSalt, VisitorKeyFactory

DAY = date(2026, 11, 24)
KEYS = VisitorKeyFactory(b"secret", {DAY: b"day", DAY + timedelta(days=1): b"next day"}, {7: b"seven", 8: b"eight"})


def test_it_works() -> None:
    message = b"\x00\x00\x00\x03G-A" + b"\x00\x00\x00\x02c1"
    expected = hmac.new(b"secret", message, hashlib.sha256).digest()[:8]
    assert KEYS.key(ByClientId("G-A", "c1")) == int.from_bytes(expected, "big")


def test_every_part_of_a_key_changes_it() -> None:
    keys = [
        KEYS.key(ByClientId("G-A", "c1")),
        KEYS.key(ByClientId("G-A", "c2")),
        KEYS.key(ByClientId("G-B", "c1")),
        VisitorKeyFactory(b"other", {}, {}).key(ByClientId("G-A", "c1")),
        KEYS.key(ByDay(DAY, "G-A", "192.0.2.1", "agent")),
        KEYS.key(ByDay(DAY, "G-B", "192.0.2.1", "agent")),
        KEYS.key(ByDay(DAY, "G-A", "192.0.2.2", "agent")),
        KEYS.key(ByDay(DAY, "G-A", "192.0.2.1", "agent 2")),
        KEYS.key(ByDay(DAY + timedelta(days=1), "G-A", "192.0.2.1", "agent")),
        KEYS.key(ByProperty(7, "G-A", "192.0.2.1", "agent")),
        KEYS.key(ByProperty(8, "G-A", "192.0.2.1", "agent")),
    ]
    assert len(set(keys)) == len(keys)


@given(st.text(), st.text(), st.text(), st.text())
def test_no_text_poses_as_two(a: str, b: str, c: str, d: str) -> None:
    same = KEYS.key(ByClientId(a, b)) == KEYS.key(ByClientId(c, d))
    assert same == ((a, b) == (c, d))


def test_keys_fill_64_bits() -> None:
    keys = [KEYS.key(ByClientId("G-A", str(n))) for n in range(200)]
    assert 2**63 < max(keys) < 2**64
    assert min(keys) >= 0


def test_a_missing_salt_names_its_day_or_property() -> None:
    with pytest.raises(MissingSalt, match="2026-11-23"):
        KEYS.key(ByDay(DAY - timedelta(days=1), "G-A", "192.0.2.1", "agent"))
    with pytest.raises(MissingSalt, match="property 9"):
        KEYS.key(ByProperty(9, "G-A", "192.0.2.1", "agent"))
    assert issubclass(MissingSalt, KeyError)


def test_an_empty_salt_or_secret_is_none() -> None:
    with pytest.raises(MissingSalt):
        VisitorKeyFactory(b"secret", {DAY: b""}, {}).key(ByDay(DAY, "G-A", "192.0.2.1", "agent"))
    with pytest.raises(ValueError, match="empty"):
        VisitorKeyFactory(b"", {}, {})


def test_secrets_are_not_shown() -> None:
    shown = repr(KEYS) + str(KEYS)
    assert not any(secret in shown for secret in ("secret", "seven"))
