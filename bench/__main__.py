"""``python -m bench [NAME [OPTION…]]``: run all measurements, or the named one. ``compare`` needs
another checkout, and runs by its name only."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "startup", "fusion", "search", "vectors", "ingest", "serve", "analysis", "language",
    "classification",
)  # fmt: skip


def main() -> None:
    chosen = sys.argv[1:2] or NAMES
    options = sys.argv[2:]
    known = (*NAMES, "compare")
    unknown = set(chosen) - set(known)
    if unknown:
        sys.exit(f"There is no bench {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    for name in chosen:
        print(f"== {name}", flush=True)
        sys.argv = [f"bench {name}", *options]
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
