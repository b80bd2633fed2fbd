"""Webhooks: registration, signatures, and delivery of events."""
