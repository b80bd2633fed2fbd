"""What every request passes through: logging, origins, keys, limits."""
