"""Real servers for the marked tests, on a bare machine: no containers, all on 127.0.0.1, in folders of their own."""
