"""Limits on attempts to sign in: by name and address, by address, by name; and who they never keep out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from configuration.access import sign_in_limits
from configuration.access.sign_in_limits import TooManyAttempts, attempt, begin_attempt
from configuration.sign_in_records import SignInRecord
from tests.support import clock

pytestmark = pytest.mark.django_db

HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"


class Time:
    def __init__(self) -> None:
        self.moment = clock.now()

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, **time: float) -> None:
        self.moment += timedelta(**time)


@pytest.fixture(autouse=True)
def time(settings: Any) -> Time:
    settings.SIGN_IN_TRIES = 3
    settings.CLOCK = moved = Time()
    return moved


def fail(times: int, name: str = "ada", address: str = HERE) -> None:
    for _ in range(times):
        begin_attempt(name, address)


def is_refused(name: str = "ada", address: str = HERE) -> bool:
    try:
        begin_attempt(name, address).give_back()
    except TooManyAttempts:
        return True
    return False


def test_it_works(time: Time) -> None:
    fail(3)
    with pytest.raises(TooManyAttempts) as refused:
        begin_attempt("ada", HERE)
    assert 0 < refused.value.wait_s <= 61
    assert not is_refused(address=ELSEWHERE)
    assert not is_refused("bob")
    time.pass_by(seconds=refused.value.wait_s)
    assert not is_refused()


def test_attempts_at_once_cannot_pass_together() -> None:
    """An attempt is charged when it begins: three are under way, and none of them has failed yet."""
    with attempt("ada", HERE), attempt("ada", HERE), attempt("ada", HERE):
        assert is_refused()


def test_who_is_refused_need_not_wait_longer_for_having_tried() -> None:
    fail(3)
    waits = []
    for _ in range(5):
        with pytest.raises(TooManyAttempts) as refused:
            begin_attempt("ada", HERE)
        waits.append(refused.value.wait_s)
    assert len(set(waits)) == 1


def test_a_success_forgets_the_failures_of_that_name_at_that_address() -> None:
    for _ in range(4):
        fail(2)
        begin_attempt("ada", HERE).succeed()
    assert not is_refused()


def test_a_success_does_not_free_the_address_for_other_names() -> None:
    """Whoever has an account could guess at others between their own sign-ins."""
    for number in range(6):
        fail(1, f"user{number}")
        begin_attempt("mallory", HERE).succeed()
    assert is_refused("ada")


def test_an_address_is_limited_whatever_names_it_tries(time: Time) -> None:
    for number in range(6):
        fail(1, f"user{number}")
    assert is_refused("ada")
    assert not is_refused("ada", ELSEWHERE)
    time.pass_by(seconds=16)
    assert not is_refused("ada")


def test_a_name_is_limited_wherever_it_is_tried_but_not_where_it_signed_in_before(time: Time) -> None:
    begin_attempt("ada", HERE).succeed()
    for number in range(30):
        fail(1, address=f"203.0.113.{number}")
    assert is_refused(address=ELSEWHERE)
    assert not is_refused(address=HERE)
    time.pass_by(days=91)
    for number in range(30):
        fail(1, address=f"203.0.113.{number}")
    assert is_refused(address=HERE)


def test_others_at_a_known_address_cannot_keep_its_owner_out() -> None:
    begin_attempt("ada", HERE).succeed()
    for number in range(6):
        fail(1, f"user{number}")
    assert is_refused("bob")
    assert not is_refused("ada")


def test_addresses_of_one_machine_and_of_one_customer_count_together() -> None:
    fail(3, address="2001:db8:1:2::1")
    assert is_refused(address="2001:db8:1:2:ffff::9")
    assert not is_refused(address="2001:db8:1:3::1")
    fail(3, "bob", address="2001:db8:1:4::1")
    assert is_refused("eve", address="2001:db8:1:5::1")
    assert not is_refused("eve", address="2001:db8:2::1")


@pytest.mark.parametrize("address", ["", "not an address", "1.2.3.4, 5.6.7.8"])
def test_what_is_no_address_is_limited_too(address: str) -> None:
    fail(3, address=address)
    assert is_refused(address=address)


def test_what_is_kept_names_nobody(time: Time) -> None:
    begin_attempt("ludwig", HERE).succeed()
    fail(2, "ludwig")
    rows = str(list(SignInRecord.objects.values()))
    assert "ludwig" not in rows
    assert HERE not in rows
    time.pass_by(days=91)
    fail(1, "bob", ELSEWHERE)
    assert SignInRecord.objects.count() == 3  # those of bob


def test_an_error_during_an_attempt_gives_it_back() -> None:
    for _ in range(5):
        with pytest.raises(OSError, match="away"), attempt("ada", HERE):
            raise OSError("away")
    assert not is_refused()


def test_the_operator_can_free_all_attempts(capsys: pytest.CaptureFixture[str]) -> None:
    fail(3)
    call_command("forget_sign_in_attempts")
    assert capsys.readouterr().out == "Forgotten: 3 records. Everybody can sign in again at once.\n"
    assert not is_refused()


@pytest.fixture
def deletions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Others delete so many records, one number for each time that an attempt is about to lock its own."""
    numbers: list[int] = []
    lock = sign_in_limits._lock

    def delete_and_lock(keys: Sequence[str]) -> dict[str, SignInRecord]:
        if numbers:
            SignInRecord.objects.filter(pk__in=list(keys)[: numbers.pop(0)]).delete()
        return lock(keys)

    monkeypatch.setattr(sign_in_limits, "_lock", delete_and_lock)
    return numbers


def test_an_attempt_whose_expired_records_others_delete_meanwhile_is_charged_all_the_same(
    time: Time, deletions: list[int]
) -> None:
    fail(2)
    time.pass_by(days=1)
    deletions[:] = [1, 3]
    fail(3)
    assert deletions == []
    assert is_refused()


def test_an_attempt_that_others_disturb_without_end_is_refused(deletions: list[int]) -> None:
    deletions[:] = [1] * 100
    with pytest.raises(TooManyAttempts) as refused:
        begin_attempt("ada", HERE)
    assert refused.value.wait_s == 1


def test_expired_records_are_forgotten_before_an_attempt_holds_its_own(time: Time) -> None:
    """Two attempts that deleted each other's records within one transaction would wait for each other."""
    fail(1)
    time.pass_by(days=1)
    with CaptureQueriesContext(connection) as queries:
        fail(1, "bob", ELSEWHERE)
    said = [query["sql"].split()[0] for query in queries.captured_queries]
    ends = said.index("RELEASE")
    assert "DELETE" in said[:ends]
    assert "DELETE" not in said[ends:]
    assert "INSERT" not in said[:ends]


def test_new_records_are_not_deleted_before_they_are_locked(time: Time) -> None:
    SignInRecord.objects.create(key="of another attempt", until=time.moment)
    time.pass_by(seconds=1)
    fail(1)
    assert SignInRecord.objects.filter(pk="of another attempt").exists()


def test_a_flood_of_expired_records_is_forgotten_in_steps(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "FORGOTTEN_AT_ONCE", 2)
    fail(2)
    time.pass_by(days=1)
    fail(1, "bob", ELSEWHERE)
    assert SignInRecord.objects.count() == 3 - 2 + 3
