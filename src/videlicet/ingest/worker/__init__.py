"""The process that does the work of a store: what it keeps at hand, its durable queues, and how
workers of one store know of each other."""
