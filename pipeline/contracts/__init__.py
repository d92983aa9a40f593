"""What every adapter has to be: its data-sheet as class attributes, then a few methods.

Registry, configuration, limiter, contract tests and the capability table read the data-sheets, so that one new
file is all an integration takes.
"""

from __future__ import annotations

from pipeline.contracts.adapter import Account, Adapter, TemplateChoice
from pipeline.contracts.criterion import Criterion
from pipeline.contracts.lms import Lms
from pipeline.contracts.platform import Platform
from pipeline.contracts.target import Target

__all__ = ["Account", "Adapter", "Criterion", "Lms", "Platform", "Target", "TemplateChoice"]
