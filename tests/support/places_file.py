"""Writes small `.mmdb` files, from the format's description: a binary tree of 24-bit records over a section of data."""

import struct
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

RECORD_BITS = 24
SEPARATOR = bytes(16)
MARKER = b"\xab\xcd\xefMaxMind.com"
UINT16, UINT32, UINT64, ARRAY = 5, 6, 9, 11


def write_places(path: Path, records: Mapping[str, Any], version: int = 6) -> Path:
    """`records` maps networks to what the file says of them; IPv4 networks lie at `::/96` in a file of version 6."""
    nodes: list[list[Any]] = [[None, None]]
    data, offsets = bytearray(), {}
    for network, record in records.items():
        offsets[network] = len(data)
        data += _encoded(record)
        _insert(nodes, _bits(network, version), network)
    tree = b"".join(_node(node, len(nodes), offsets) for node in nodes)
    path.write_bytes(tree + SEPARATOR + bytes(data) + MARKER + _encoded(_metadata(len(nodes), version)))
    return path


def _bits(network: str, version: int) -> str:
    parsed = ip_network(network)
    bits = f"{int(parsed.network_address):0{parsed.max_prefixlen}b}"[: parsed.prefixlen]
    return "0" * 96 + bits if version == 6 and parsed.version == 4 else bits


def _insert(nodes: list[list[Any]], bits: str, leaf: str) -> None:
    at = 0
    for bit in bits[:-1]:
        if nodes[at][int(bit)] is None:
            nodes.append([None, None])
            nodes[at][int(bit)] = len(nodes) - 1
        at = nodes[at][int(bit)]
    nodes[at][int(bits[-1])] = leaf


def _node(node: list[Any], count: int, offsets: Mapping[str, int]) -> bytes:
    def pointer(side: Any) -> int:
        if side is None:
            return count
        return side if isinstance(side, int) else count + len(SEPARATOR) + offsets[side]

    return b"".join(pointer(side).to_bytes(RECORD_BITS // 8, "big") for side in node)


def _metadata(count: int, version: int) -> dict[str, Any]:
    return {
        "node_count": (UINT32, count),
        "record_size": (UINT16, RECORD_BITS),
        "ip_version": (UINT16, version),
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": (UINT16, 2),
        "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT64, 1_790_000_000),
        "description": {"en": "for tests"},
    }


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    if isinstance(value, tuple):
        kind, number = value
        digits: bytes = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return _control(kind, len(digits)) + digits
    if isinstance(value, float):
        return _control(3, 8) + struct.pack(">d", value)
    if isinstance(value, list):
        return _control(ARRAY, len(value)) + b"".join(map(_encoded, value))
    items = b"".join(_encoded(name) + _encoded(item) for name, item in value.items())
    return _control(7, len(value)) + items


def _control(kind: int, size: int) -> bytes:
    assert size < 285
    short, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | short]) if kind <= 7 else bytes([short, kind - 7])) + more
