"""Measurements that are published; each writes one table to bench/results/."""
