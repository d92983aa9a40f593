"""The database holds the work: one file per subject, and the migrations."""
