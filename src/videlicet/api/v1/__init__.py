"""The native interface: what v1.3 has no word for."""
