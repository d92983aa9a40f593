"""Attacks on the promises, with real processes that are killed, frozen and emptied."""
