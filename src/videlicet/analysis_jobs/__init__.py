"""Analyses that run in the background: single ones and batches."""
