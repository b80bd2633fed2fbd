"""Analysis: answers, tasks and batches, and the older forms of the same."""
