"""One completion criterion per file, each a `Criterion`: it judges a record and never touches a network."""
