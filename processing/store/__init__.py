"""The store: raw blocks, contexts, segments, manifests. Its promises are in `port.py`."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from processing.store.port import Store


def open_store(url: str) -> Store:
    """The store at an address; `sqlite:///folder/of/its/own` is the embedded one. Raises ValueError for any other."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        from processing.store.embedded import EmbeddedStore

        return EmbeddedStore(Path(unquote(parts.path)))
    raise ValueError(f"not the address of a store: {url!r}")
