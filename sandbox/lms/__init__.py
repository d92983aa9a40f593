"""One module or sub-package per LMS; each holds one `Twin` and is found by looking into this folder."""
