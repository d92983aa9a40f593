"""Systems that are told about an issued credential: one file per system, each a `Target`."""
