"""The demo: makes sample videos of real material, indexes them and finds moments in them."""

from __future__ import annotations

from videlicet.demo.run import DemoReport, Row, run_demo

__all__ = ["DemoReport", "Row", "run_demo"]
