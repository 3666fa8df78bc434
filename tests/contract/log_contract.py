"""The tests that every adapter of the log must pass.

A test class inherits it and provides the fixtures `log`, a new one, and `again`, which opens the same one once more, as
another process would. Nothing here assumes a first offset, a number of partitions, or that a trimmed offset is gone at
once.
"""

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collection.log import BeyondEnd, Log, Trimmed

KEY = b"visitor"
Again = Callable[[], Log]
ONE_LOG_FOR_ALL_EXAMPLES = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow]


def fill(log: Log, *values: bytes, key: bytes = KEY) -> None:
    log.append([(key, value) for value in values])


def numbered(count: int, prefix: bytes = b"hit") -> list[bytes]:
    return [b"%s %d" % (prefix, number) for number in range(count)]


def held(log: Log) -> dict[int, list[bytes]]:
    """Returns all values of the log, by partition, in order."""
    starts, ends = log.starts(), log.ends()
    return {
        p: [e.value for e in log.read(p, starts[p], ends[p] - 1)] if ends[p] > starts[p] else []
        for p in log.partitions()
    }


def everything(log: Log) -> list[bytes]:
    return [value for values in held(log).values() for value in values]


def home(log: Log, key: bytes = KEY) -> int:
    """Returns the partition of a key by appending one hit."""
    before = log.ends()
    fill(log, b"which partition", key=key)
    after = log.ends()
    return next(partition for partition in after if after[partition] != before[partition])


def moment_us() -> int:
    """Returns a time after all earlier appends and before all later ones, also for clocks with milliseconds."""
    time.sleep(0.005)
    now = time.time_ns() // 1000  # noqa: TID251 - logs stamp with the real time
    time.sleep(0.005)
    return now


class LogContract:
    def test_it_works(self, log: Log) -> None:
        fill(log, b"one", b"two")
        fill(log, b"three")
        assert everything(log) == [b"one", b"two", b"three"]

    def test_id_is_32_hexadecimal_digits(self, log: Log) -> None:
        assert len(log.id) == 32
        assert int(log.id, 16) >= 0

    def test_every_partition_has_a_start_and_an_end(self, log: Log) -> None:
        assert set(log.partitions()) == set(log.starts()) == set(log.ends())
        assert log.starts() == log.ends()

    def test_appending_nothing_changes_nothing(self, log: Log) -> None:
        before = log.ends()
        log.append([])
        assert log.ends() == before

    def test_offsets_are_contiguous(self, log: Log) -> None:
        partition = home(log)
        first = log.ends()[partition]
        for value in numbered(10):
            fill(log, value)
        assert log.ends()[partition] == first + 10
        assert [e.offset for e in log.read(partition, first, first + 9)] == list(range(first, first + 10))

    def test_one_key_stays_in_order_in_one_partition(self, log: Log) -> None:
        values = numbered(50)
        for start in range(0, 50, 7):
            fill(log, *values[start : start + 7])
        assert values in held(log).values()

    def test_many_keys_lose_nothing(self, log: Log) -> None:
        values = numbered(200)
        log.append([(value, value) for value in values])
        assert sorted(everything(log)) == sorted(values)

    def test_a_range_may_begin_and_end_anywhere(self, log: Log) -> None:
        partition = home(log)
        first = log.ends()[partition]
        values = numbered(12)
        for start in range(0, 12, 4):
            fill(log, *values[start : start + 4])
        for low in range(12):
            for high in range(low, 12):
                got = log.read(partition, first + low, first + high)
                assert [e.value for e in got] == values[low : high + 1]
                assert [e.offset for e in got] == list(range(first + low, first + high + 1))

    def test_reading_past_the_end_is_an_error(self, log: Log) -> None:
        partition = home(log)
        end = log.ends()[partition]
        with pytest.raises(BeyondEnd):
            log.read(partition, end - 1, end)

    def test_an_unknown_partition_is_an_error(self, log: Log) -> None:
        with pytest.raises(ValueError, match="partition"):
            log.read(4711, 0, 0)

    @settings(max_examples=25, deadline=None, suppress_health_check=ONE_LOG_FOR_ALL_EXAMPLES)
    @given(st.lists(st.binary(max_size=3000), min_size=1, max_size=20))
    def test_any_bytes_come_back_the_same(self, log: Log, values: list[bytes]) -> None:
        partition = home(log)
        first = log.ends()[partition]
        fill(log, *values)
        assert [e.value for e in log.read(partition, first, first + len(values) - 1)] == values

    def test_subscriptions_start_at_zero_and_are_independent(self, log: Log) -> None:
        partition = home(log)
        log.commit("reports", partition, 1)
        assert log.position("reports", partition) == 1
        assert log.position("somebody else", partition) == 0

    def test_a_position_may_go_back(self, log: Log) -> None:
        partition = home(log)
        log.commit("reports", partition, 1)
        log.commit("reports", partition, 0)
        assert log.position("reports", partition) == 0

    def test_seek_by_time(self, log: Log) -> None:
        partition = home(log)
        assert log.seek(partition, 0) == log.starts()[partition]
        assert log.seek(partition, 4_000_000_000_000_000) == log.ends()[partition]

    def test_seek_finds_what_was_appended_since(self, log: Log) -> None:
        partition = home(log)
        fill(log, *numbered(3))
        since, end = moment_us(), log.ends()[partition]
        fill(log, b"later", b"still later")
        assert log.seek(partition, since) == end
        assert log.seek(partition, moment_us()) == end + 2

    def test_seek_finds_only_what_is_held(self, log: Log) -> None:
        partition = home(log)
        since = moment_us()
        fill(log, *numbered(5))
        end = log.ends()[partition]
        log.trim(partition, end - 2)
        assert log.seek(partition, since) == end - 2

    def test_another_process_finds_the_same_log(self, log: Log, again: Again) -> None:
        partition = home(log)
        fill(log, *numbered(3))
        log.commit("reports", partition, 2)
        log.trim(partition, 1)
        other = again()
        assert (other.id, other.starts(), other.ends()) == (log.id, log.starts(), log.ends())
        assert other.position("reports", partition) == 2
        assert held(other) == held(log)
        fill(log, b"more")
        assert other.ends() == log.ends()

    def test_two_processes_append_to_one_log(self, log: Log, again: Again) -> None:
        other = again()
        for number in range(5):
            fill(log, b"here %d" % number)
            fill(other, b"there %d" % number)
        expected = [b"%s %d" % (who, number) for number in range(5) for who in (b"here", b"there")]
        assert everything(log) == everything(other) == expected

    def test_a_large_append_stays_in_order(self, log: Log) -> None:
        values = [b"%d %s" % (number, bytes(30_000)) for number in range(100)]
        fill(log, *values)
        assert everything(log) == values

    def test_a_hit_of_the_greatest_size(self, log: Log) -> None:
        partition = home(log)
        value = bytes(range(256)) * 1024
        fill(log, value)
        end = log.ends()[partition]
        assert log.read(partition, end - 1, end - 1)[0].value == value

    def test_a_range_before_the_start_or_beyond_the_end(self, log: Log) -> None:
        partition = home(log)
        fill(log, *numbered(4))
        end = log.ends()[partition]
        log.trim(partition, end - 1)
        with pytest.raises(Trimmed):
            log.read(partition, 0, 0)
        with pytest.raises(BeyondEnd):
            log.read(partition, end, end)
        with pytest.raises(BeyondEnd):
            log.read(partition, end + 10, end + 20)

    def test_trimming_beyond_the_end_trims_everything(self, log: Log) -> None:
        partition = home(log)
        fill(log, *numbered(4))
        end = log.ends()[partition]
        log.trim(partition, end + 1000)
        assert log.starts()[partition] == log.ends()[partition] == end

    def test_trim_moves_the_start(self, log: Log) -> None:
        partition = home(log)
        fill(log, *numbered(10))
        end = log.ends()[partition]
        log.trim(partition, end - 3)
        assert log.starts()[partition] == end - 3
        assert [e.value for e in log.read(partition, end - 3, end - 1)] == numbered(10)[-3:]
        with pytest.raises(Trimmed):
            log.read(partition, end - 4, end - 1)

    def test_trim_never_goes_back(self, log: Log) -> None:
        partition = home(log)
        fill(log, *numbered(10))
        end = log.ends()[partition]
        log.trim(partition, end - 3)
        log.trim(partition, end - 5)
        assert log.starts()[partition] == end - 3

    def test_offsets_continue_after_everything_was_trimmed(self, log: Log) -> None:
        partition = home(log)
        fill(log, *numbered(10))
        end = log.ends()[partition]
        log.trim(partition, end)
        assert log.starts()[partition] == log.ends()[partition] == end
        fill(log, b"next")
        assert [tuple(entry) for entry in log.read(partition, end, end)] == [(end, b"next")]

    def test_appends_of_several_threads(self, log: Log) -> None:
        writers = [threading.Thread(target=self._write, args=(log, b"writer %d" % number)) for number in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(everything(log)) == sorted(value for n in range(4) for value in numbered(8, b"writer %d" % n))

    @staticmethod
    def _write(log: Log, name: bytes) -> None:
        for value in numbered(8, name):
            fill(log, value, key=name)

    def test_a_sound_log_has_no_faults(self, log: Log) -> None:
        fill(log, *numbered(10))
        assert log.verify() == []
