"""The store: raw blocks, contexts, segments, manifests. Its promises are in `port.py`."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from processing.store.port import Store

__all__ = ["Cache", "Store", "open_store", "set_up_store"]


class Cache(NamedTuple):
    """A folder of the local disk for content of a remote store, and how many bytes it may take; 0: none."""

    folder: Path
    bytes: int


def open_store(url: str, cache: Cache | None = None) -> Store:
    """The store at an address; `sqlite:///folder/of/its/own` is the embedded one, `cassandra://host[,host]/keyspace`
    that on a cluster, which uses the cache. Raises ValueError for any other.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        from processing.store.embedded import EmbeddedStore

        return EmbeddedStore(Path(unquote(parts.path)))
    if parts.scheme == "cassandra":
        return _on_cassandra(url, cache)
    raise ValueError(f"not the address of a store: {url!r}")


def set_up_store(url: str) -> None:
    """Makes what the store at an address needs before it can be opened. Raises ValueError, StoreUnavailable."""
    if urlsplit(url).scheme == "cassandra":
        from processing.store.cassandra_address import parse_address
        from processing.store.cassandra_setup import set_up

        set_up(parse_address(url))
    else:
        open_store(url).close()


def _on_cassandra(url: str, cache: Cache | None) -> Store:
    from processing.store.cassandra import CassandraStore
    from processing.store.cassandra_address import parse_address
    from processing.store.disk_cache import DiskCache

    return CassandraStore(parse_address(url), DiskCache(*cache) if cache and cache.bytes else None)
