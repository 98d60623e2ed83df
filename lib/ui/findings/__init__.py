"""The page of findings: the list, one finding in full, and the rules with their thresholds."""

from __future__ import annotations

from lib.ui.findings import details, listing, rules

__all__ = ["details", "listing", "rules"]
