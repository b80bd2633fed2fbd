"""What runs inside the confined child processes; started by :mod:`videlicet.media.process`."""
