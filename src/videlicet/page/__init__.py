"""The results page: what was found, as one HTML file that works offline."""

from __future__ import annotations

from videlicet.page.results import Section, report_page, results_page

__all__ = ["Section", "report_page", "results_page"]
