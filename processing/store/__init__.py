"""Stores raw blocks, contexts, segments and manifests. The contract is in `port.py`."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from processing.store.port import Store

if TYPE_CHECKING:
    from processing.store.cassandra.address import ClusterAddress

__all__ = ["Store", "cluster_of", "open_store", "set_up_store"]


def open_store(url: str, cache: tuple[Path, int] | None = None) -> Store:
    """Opens the store at an address: `sqlite:///folder/of/its/own` is the embedded one, `cassandra://host[,host]/keyspace`
    that on a cluster. `cache` is a folder of the local disk for content of a remote store, and how many bytes it may
    take; 0: none. Raises ValueError for any other address.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        from processing.store.embedded.store import EmbeddedStore

        return EmbeddedStore(Path(unquote(parts.path)))
    if parts.scheme == "cassandra":
        return _on_cassandra(url, cache)
    raise ValueError(f"not the address of a store: {url!r}")


def set_up_store(url: str, replication: str = "") -> None:
    """Makes what the store at an address needs before it can be opened; again is harmless. `replication`, such as `3`
    or `dc1:3,dc2:3`, goes before that of the address. Raises ValueError, StoreUnavailable.
    """
    if urlsplit(url).scheme == "cassandra":
        from processing.store.cassandra.address import parse_replication
        from processing.store.cassandra.setup import set_up

        address = cluster_of(url)
        set_up(address._replace(replication=parse_replication(replication)) if replication else address)
    else:
        open_store(url).close()


def cluster_of(url: str) -> "ClusterAddress":
    """Returns what the address of a store on Cassandra says. Raises ValueError."""
    from processing.store.cassandra.address import parse_address

    return parse_address(url)


def _on_cassandra(url: str, cache: tuple[Path, int] | None) -> Store:
    address = cluster_of(url)
    try:
        from processing.store.cassandra.store import CassandraStore
    except ModuleNotFoundError as error:
        raise ValueError("a store on Cassandra needs the packages of requirements-cluster.txt") from error
    from processing.store.cassandra.disk_cache import DiskCache

    return CassandraStore(address, DiskCache(*cache) if cache and cache[1] else None)
