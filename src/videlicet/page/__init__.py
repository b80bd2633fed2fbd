"""The results page: what was found, as one HTML file that works offline."""

from __future__ import annotations

from videlicet.page.results import results_page

__all__ = ["results_page"]
