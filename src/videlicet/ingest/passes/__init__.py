"""One overlapped pass over a file: from its bytes to observations and rows."""
