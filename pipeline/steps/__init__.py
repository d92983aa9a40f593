"""The stages of a case, one file per stage: what is done, and what is committed with it."""
