"""Running a server: sockets, shutdown, access log, metrics."""
