"""Stores raw blocks, contexts, segments and manifests. The contract is in `port.py`."""

from pathlib import Path
from typing import TYPE_CHECKING

from configuration.addresses import parse_address
from processing.store.port import Expected, Store, any_store, check_identity

if TYPE_CHECKING:
    from processing.store.cassandra.address import ClusterAddress

__all__ = ["Store", "check_store", "cluster_of", "known_id", "open_store", "set_up_store"]


def open_store(
    url: str,
    cache: tuple[Path, int] | None = None,
    expected: Expected = any_store,
    patience_s: float | None = None,
) -> Store:
    """Opens the store at an address: `sqlite:///folder/of/its/own` is the embedded one, `cassandra://host[,host]/keyspace`
    that on a cluster. `cache` is a folder of the local disk for content of a remote store, and how many bytes it may
    take; 0: none. `expected`: see `port.Expected`. A remote store that does not answer
    is asked again for `patience_s`, None: for a minute. Raises ValueError for any other address, StoreUnavailable.
    """
    address = parse_address(url, ("sqlite", "cassandra"), of="a store")
    if address.scheme == "sqlite":
        from processing.store.embedded.store import EmbeddedStore

        store = EmbeddedStore(Path(address.path))
        check_identity(store.id, expected)
        return store
    return _on_cassandra(url, cache, expected, patience_s)


def set_up_store(url: str, replication: str = "") -> None:
    """Makes what the store at an address needs before it can be opened; again is harmless. `replication`, such as `3`
    or `dc1:3,dc2:3`, goes before that of the address. Raises ValueError, StoreUnavailable.
    """
    if url.startswith("cassandra://"):
        from processing.store.cassandra.address import parse_replication
        from processing.store.cassandra.setup import set_up

        address = cluster_of(url)
        set_up(address._replace(replication=parse_replication(replication)) if replication else address)
    else:
        open_store(url).close()


def check_store(url: str, replication: str = "") -> None:
    """Raises StoreUnavailable or ValueError if the store cannot be set up in this way; changes nothing."""
    if url.startswith("cassandra://"):
        from processing.store.cassandra.address import parse_replication
        from processing.store.cassandra.setup import check

        address = cluster_of(url)
        check(address._replace(replication=parse_replication(replication)) if replication else address)


def known_id(url: str) -> str:
    """Returns the id of the store, "" if it is not there yet; makes nothing. Raises ValueError, StoreUnavailable."""
    if url.startswith("cassandra://"):
        from processing.store.cassandra.setup import known_id as on_cassandra

        return on_cassandra(cluster_of(url))
    folder = Path(parse_address(url, ("sqlite",), of="a store").path)
    return open_store(url).id if (folder / "store.db").exists() else ""


def cluster_of(url: str) -> "ClusterAddress":
    """Returns what the address of a store on Cassandra says. Raises ValueError."""
    from processing.store.cassandra.address import parse_address

    return parse_address(url)


def _on_cassandra(url: str, cache: tuple[Path, int] | None, expected: Expected, patience_s: float | None) -> Store:
    address = cluster_of(url)
    try:
        from processing.store.cassandra.store import CassandraStore
    except ModuleNotFoundError as error:
        raise ValueError("a store on Cassandra needs the packages of requirements-cluster.txt") from error
    from processing.store.cassandra.disk_cache import DiskCache
    from processing.store.cassandra.session import PATIENCE_S

    disk = DiskCache(*cache) if cache and cache[1] else None
    return CassandraStore(address, disk, expected, patience_s or PATIENCE_S)
