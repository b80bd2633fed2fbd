"""The HTTP interface: the v1.3 drop-in, the native v1, and what serves them."""
