"""A sample subscriber: prints every hit of the topic as a line of JSON, at least once, shared among a consumer group.

    python kafka_subscriber.py 10.0.0.1:9092 hits warehouse [--once]

It needs kafka-python and msgspec. Hits contain full addresses: do not store them.
"""

import argparse
import sys
from typing import Any

import msgspec
from kafka import KafkaConsumer

FORMAT = 1
FIELDS = (
    "format",
    "id",
    "received",
    "protocol",
    "address",
    "user_agent",
    "headers",
    "query",
    "body",
    "property",
    "occurred",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the hits of a Kafka topic as lines of JSON.")
    parser.add_argument("servers", help="host:port,host:port")
    parser.add_argument("topic")
    parser.add_argument("group")
    parser.add_argument("--once", action="store_true", help="stop when no hit has arrived for five seconds")
    options = parser.parse_args()
    consumer = KafkaConsumer(
        options.topic, bootstrap_servers=options.servers.split(","), group_id=options.group,
        auto_offset_reset="earliest", enable_auto_commit=False,
        consumer_timeout_ms=5000 if options.once else float("inf"),
    )  # fmt: skip
    try:
        for record in consumer:
            sys.stdout.write(line(record.partition, record.offset, record.value) + "\n")
            sys.stdout.flush()
            consumer.commit()  # after the output; a real subscriber commits many hits at once
    except KeyboardInterrupt:
        return
    finally:
        consumer.close(autocommit=False)


def line(partition: int, offset: int, value: bytes) -> str:
    """Formats a hit as JSON. Bytes become text, with U+FFFD for bytes that are not UTF-8."""
    hit: dict[str, Any] = dict(zip(FIELDS, msgspec.msgpack.decode(value), strict=False))
    if hit["format"] != FORMAT:
        return msgspec.json.encode({"position": [partition, offset], "format": hit["format"]}).decode()
    for name in ("query", "body"):
        hit[name] = hit[name].decode("utf-8", "replace")
    return msgspec.json.encode({"position": [partition, offset], **hit}).decode()


if __name__ == "__main__":
    main()
