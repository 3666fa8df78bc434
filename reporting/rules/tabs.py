"""The tabs that pages on rules have of this layer: what needs hits."""

from typing import Final

from configuration.pages.tabs import Tab

OWN: Final = (Tab("Try a hit", "rules-try"), Tab("Preview", "rules-preview"), Tab("History", "rules-history"))
