"""Thrift's compact protocol, as far as the footers of Parquet files need it.

A struct is a dict of its fields: number -> (type, value). A list is a pair: the type of its items, and the items.
Nothing is known of what the fields mean, so that fields of later versions of the format survive.
"""

from collections.abc import Callable
from typing import Any, Final

TRUE: Final = 1
FALSE: Final = 2
I8: Final = 3
I16: Final = 4
I32: Final = 5
I64: Final = 6
DOUBLE: Final = 7
BINARY: Final = 8
LIST: Final = 9
STRUCT: Final = 12

Struct = dict[int, tuple[int, Any]]
_LONG: Final = 15  # a list of at least so many items has its length behind its header


class Reader:
    """Reads values from bytes, from `at` on. Raises ValueError for a type that Parquet's footers do not use."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at
        self._readers: dict[int, Callable[[], Any]] = {
            TRUE: lambda: True, FALSE: lambda: False, I8: self._byte, I16: self._number, I32: self._number,
            I64: self._number, DOUBLE: lambda: self._bytes(8), BINARY: lambda: self._bytes(self._varint()),
            LIST: self._list, STRUCT: self.struct,
        }  # fmt: skip

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while header := self._byte():
            step, kind = header >> 4, header & 15
            number = number + step if step else self._number()
            fields[number] = (kind, self._value(kind))
        return fields

    def _value(self, kind: int) -> Any:
        if kind not in self._readers:
            raise ValueError(f"Thrift type {kind} in the footer of a Parquet file")
        return self._readers[kind]()

    def _list(self) -> tuple[int, list[Any]]:
        header = self._byte()
        size, kind = header >> 4, header & 15
        size = self._varint() if size == _LONG else size
        if kind in (TRUE, FALSE):  # in a list, each has a byte of its own
            return kind, [self._byte() for _ in range(size)]
        return kind, [self._value(kind) for _ in range(size)]

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _bytes(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)  # 0, 1, 2, 3 stand for 0, -1, 1, -2


def write_struct(fields: Struct) -> bytes:
    out, before = bytearray(), 0
    for number, (kind, value) in sorted(fields.items()):
        step = number - before
        out += bytes([step << 4 | kind]) if step < _LONG + 1 else bytes([kind]) + _number(number)
        out += _written(kind, value)
        before = number
    return bytes(out + b"\0")


def _written(kind: int, value: Any) -> bytes:
    match kind:
        case 1 | 2:
            return b""
        case 3:
            return bytes([value])
        case 4 | 5 | 6:
            return _number(value)
        case 7:
            return bytes(value)
        case 8:
            return _varint(len(value)) + bytes(value)
        case 9:
            return _list(*value)
    return write_struct(value)


def _list(kind: int, items: list[Any]) -> bytes:
    head = bytes([len(items) << 4 | kind]) if len(items) < _LONG else bytes([_LONG << 4 | kind]) + _varint(len(items))
    if kind in (TRUE, FALSE):
        return head + bytes(items)
    return head + b"".join(_written(kind, item) for item in items)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)
