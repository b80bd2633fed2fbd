"""Pages: what was found or analysed, as one HTML file that works offline."""

from __future__ import annotations

from videlicet.page.report import AssetReport, analysis_page, matrix_page
from videlicet.page.results import Section, report_page, results_page

__all__ = ["AssetReport", "Section", "analysis_page", "matrix_page", "report_page", "results_page"]
