"""``python -m videlicet``."""

from videlicet.cli import main

if __name__ == "__main__":
    main()
