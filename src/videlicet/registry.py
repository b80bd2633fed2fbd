"""Named entries of one kind: those of this package and those of installed packages.

A package adds entries through entry points of the registry's group::

    [project.entry-points."videlicet.exporters"]
    srt = "my_package.srt:export_srt"

The name of the entry point is the name of the entry, and the object it refers to is the entry.
Entry points are listed once, when the registry is first read, and each object is imported when it
is first asked for by name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from videlicet.errors import InvalidInput, PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Registry(Generic[T]):
    """Entries by name. Reading is safe from several threads at once."""

    def __init__(
        self, group: str, noun: str, *, is_valid: Callable[[object], bool] = callable
    ) -> None:
        """``group`` is the group of entry points, ``noun`` names one entry in messages, and
        ``is_valid`` tells whether an object of another package may be an entry."""
        self.group = group
        self.noun = noun
        self._is_valid = is_valid
        #: Import path of each entry of this package, or None where it was given as an object.
        self._own: dict[str, str | None] = {}
        self._points: dict[str, EntryPoint] | None = None
        self._loaded: dict[str, T] = {}
        self._lock = threading.RLock()

    def add(self, name: str, entry: T) -> None:
        """Register an entry of this package."""
        self._register(name, None)
        self._loaded[name] = entry

    def add_lazy(self, name: str, path: str) -> None:
        """Register an entry of this package by ``module:attribute``, imported when asked for."""
        self._register(name, path)

    def names(self) -> list[str]:
        """Every name: this package's in the order of registration, then those of installed
        packages in alphabetical order. Nothing is imported.

        Raises:
            PluginError: ``plugin_invalid`` where a package claims a name that is taken.
        """
        return [*self._own, *sorted(self._installed())]

    def get(self, name: str) -> T:
        """The entry with that name.

        Raises:
            InvalidInput: ``invalid_argument`` where there is none, naming those that there are.
            PluginError: ``plugin_invalid`` where a package cannot be imported, does not hold what
                it promises, or claims a name that is taken.
        """
        with self._lock:
            installed = self._installed()
            if name not in self._loaded:
                if path := self._own.get(name):
                    module, _, attribute = path.partition(":")
                    self._loaded[name] = cast("T", getattr(import_module(module), attribute))
                elif name in installed:
                    self._loaded[name] = self._load(installed[name])
                else:
                    raise InvalidInput(
                        "invalid_argument",
                        f"There is no {self.noun} {name!r}; there are {', '.join(self.names())}.",
                        subject=name,
                    )
            return self._loaded[name]

    def package(self, name: str) -> str | None:
        """The installed package that adds an entry, as ``name version``; None for this one."""
        point = self._installed().get(name)
        return None if point is None else _package(point)

    def _register(self, name: str, path: str | None) -> None:
        if name in self._own:
            raise LookupError(f"two entries of {self.group} are named {name!r}")
        self._own[name] = path

    def _installed(self) -> dict[str, EntryPoint]:
        """The entry points of the group by name."""
        with self._lock:
            if self._points is None:
                from importlib.metadata import entry_points

                points: dict[str, EntryPoint] = {}
                for point in entry_points(group=self.group):
                    if point.name in self._own:
                        raise self._invalid(point, "Videlicet itself has one of that name")
                    if point.name in points:
                        other = _package(points[point.name])
                        raise self._invalid(point, f"package {other} has one of that name")
                    points[point.name] = point
                self._points = points
            return self._points

    def _load(self, point: EntryPoint) -> T:
        try:
            entry: object = point.load()
        except Exception as error:  # importing another package may raise anything
            raise self._invalid(point, f"{type(error).__name__}: {error}") from error
        if not self._is_valid(entry):
            raise self._invalid(point, f"{point.value} is a {type(entry).__name__}")
        return cast("T", entry)

    def _invalid(self, point: EntryPoint, why: str) -> PluginError:
        package = _package(point)
        return PluginError(
            "plugin_invalid",
            f"The {self.noun} {point.name!r} of package {package} cannot be used: {why}.",
            subject=package,
            details={"group": self.group, "entry_point": point.name},
        )


def _package(point: EntryPoint) -> str:
    return "(unknown)" if point.dist is None else f"{point.dist.name} {point.dist.version}"
