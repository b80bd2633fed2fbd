"""Accounts at other services that files are imported from, and how to talk to those services."""
