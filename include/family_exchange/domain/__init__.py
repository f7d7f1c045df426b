"""The nouns and the rules: pure values and functions; no I/O, no clock, no log."""
