"""Refuse import cycles between the modules of a package, and print each.

Imports inside functions and under ``TYPE_CHECKING`` count: a cycle that is not felt at import time
still ties its modules together. Run by ``make check``: ``check_import_cycles.py [package]``.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from itertools import pairwise

import grimp


def cycles(graph: grimp.ImportGraph) -> Iterator[list[str]]:
    """One shortest cycle of each group of modules that import one another, first module first."""
    imports = {
        module: sorted(graph.find_modules_directly_imported_by(module))
        for module in sorted(graph.modules)
    }
    done: set[str] = set()
    for module in imports:
        if module not in done and (cycle := _shortest_cycle(imports, module)):
            yield cycle
            done |= _reachable(imports, module) & _reachable(_reversed(imports), module)


def _shortest_cycle(imports: dict[str, list[str]], module: str) -> list[str] | None:
    """The modules on the shortest way from ``module`` back to itself, with it at both ends."""
    came_from: dict[str, str] = {}
    queue = deque([module])
    while queue:
        current = queue.popleft()
        for imported in imports[current]:
            if imported == module:
                path = [module, current]
                while path[-1] != module:
                    path.append(came_from[path[-1]])
                return path[::-1] if current != module else [module, module]
            if imported not in came_from:
                came_from[imported] = current
                queue.append(imported)
    return None


def _reachable(imports: dict[str, list[str]], module: str) -> set[str]:
    found: set[str] = set()
    queue = [module]
    while queue:
        for imported in imports[queue.pop()]:
            if imported not in found:
                found.add(imported)
                queue.append(imported)
    return found


def _reversed(imports: dict[str, list[str]]) -> dict[str, list[str]]:
    importers: dict[str, list[str]] = {module: [] for module in imports}
    for module, imported in imports.items():
        for one in imported:
            importers[one].append(module)
    return importers


def main(package: str = "videlicet") -> int:
    graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    found = list(cycles(graph))
    for cycle in found:
        print("Import cycle:")
        for importer, imported in pairwise(cycle):
            details = graph.get_import_details(importer=importer, imported=imported)
            where = f" (line {details[0]['line_number']})" if details else ""
            print(f"  {importer} imports {imported}{where}")
    print(f"{len(graph.modules)} modules, {len(found)} import cycles.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
