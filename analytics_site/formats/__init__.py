"""How Django writes dates and times on pages; see its setting FORMAT_MODULE_PATH."""
