"""The database holds the work: one file per subject, and the migrations.

Every table is known as soon as one of them is: rows refer to each other, whichever process writes them.
"""

from pipeline.store import tables

__all__ = ["tables"]
