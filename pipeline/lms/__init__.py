"""Learning management systems: one file per system, each an `Lms`."""
