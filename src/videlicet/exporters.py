"""Every exporter: those of analyses, the page, and those of installed packages.

The rooms that offer exporters take them from here. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from videlicet.analyze.exports.registry import EXPORTERS, documents, formats, render

__all__ = ["EXPORTERS", "documents", "formats", "render"]

# Pages are built on analyses, which therefore cannot name them.
EXPORTERS.add_lazy("matrix.html", "videlicet.page.report:MATRIX_HTML")
