"""How long it takes until something happens: import, ``--help`` and the first search.

Writes bench/results/startup.md. Times are wall seconds, the median of several processes; the ratio
to starting a bare interpreter is what compares between machines.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 7
CASES = {
    "bare interpreter": ["-c", "pass"],
    "import videlicet": ["-c", "import videlicet"],
    "videlicet --help": ["-m", "videlicet", "--help"],
    "videlicet --version": ["-m", "videlicet", "--version"],
}


def median_time(arguments: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    found = {name: median_time(arguments) for name, arguments in CASES.items()}
    bare = found["bare interpreter"]
    lines = ["# Start-up", "", "| what | seconds | × bare interpreter |", "|---|---|---|"]
    lines += [f"| {name} | {s:.3f} | {s / bare:.1f} |" for name, s in found.items()]
    text = "\n".join(lines) + "\n"
    out = Path(__file__).parent / "results" / "startup.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
