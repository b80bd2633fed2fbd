"""Running a server: its sockets and its end, its log of requests, its figures."""
