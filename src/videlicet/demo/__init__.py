"""The demo: sample videos of real photographs and sounds, indexed and searched."""

from __future__ import annotations

from videlicet.demo.run import DemoReport, Row, run_demo

__all__ = ["DemoReport", "Row", "run_demo"]
