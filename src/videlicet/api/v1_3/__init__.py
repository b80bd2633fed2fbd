"""The v1.3 interface: the endpoints, fields and answers that existing clients know."""
