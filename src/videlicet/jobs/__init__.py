"""Durable background work: the workflow engine, worker processes and their leases."""
