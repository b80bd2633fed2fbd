"""The demo: sample videos of real photographs and sounds, indexed and searched."""

from __future__ import annotations

from videlicet.demo.run import DemoReport, DemoRow, run_demo

__all__ = ["DemoReport", "DemoRow", "run_demo"]
