from __future__ import annotations

import sys
from pathlib import Path

import pytest

from videlicet.errors import InvalidInput, PluginError
from videlicet.registry import Registry

GROUP = "videlicet.tests"


def install(folder: Path, package: str, entries: dict[str, str], code: str = "") -> None:
    """What pip leaves of a package with these entry points."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{module}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    points = "\n".join(f"{name} = {value}" for name, value in entries.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def registry() -> Registry[int]:
    made: Registry[int] = Registry(GROUP, "number", is_valid=lambda entry: isinstance(entry, int))
    made.add("two", 2)
    made.add_lazy("rate", "videlicet.models.base:SOUND_RATE")
    return made


def test_entries_of_this_package_and_of_another(site: Path, registry: Registry[int]) -> None:
    install(site, "more-numbers", {"seven": "more_numbers:SEVEN"}, "SEVEN = 7")
    assert registry.names() == ["two", "rate", "seven"]
    assert [registry.get(name) for name in registry.names()] == [2, 16_000, 7]
    assert registry.package("two") is None
    assert registry.package("seven") == "more-numbers 1.2"


def test_an_entry_is_imported_when_it_is_asked_for(site: Path, registry: Registry[int]) -> None:
    install(site, "late-numbers", {"eight": "late_numbers:EIGHT"}, "raise OSError('no disk')")
    assert "eight" in registry.names()
    assert registry.get("two") == 2
    with pytest.raises(PluginError) as caught:
        registry.get("eight")
    assert caught.value.code == "plugin_invalid"
    assert caught.value.message == (
        "The number 'eight' of package late-numbers 1.2 cannot be used: OSError: no disk."
    )
    assert caught.value.details == {"group": GROUP, "entry_point": "eight"}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "AttributeError: module 'odd_numbers' has no attribute 'NINE'."),
        ("NINE = 'nine'", "odd_numbers:NINE is a str."),
    ],
)
def test_what_is_not_an_entry_is_refused(
    site: Path,
    registry: Registry[int],
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    why: str,
) -> None:
    monkeypatch.delitem(sys.modules, "odd_numbers", raising=False)
    install(site, "odd-numbers", {"nine": "odd_numbers:NINE"}, code)
    with pytest.raises(PluginError, match=r"number 'nine' of package odd-numbers 1.2") as caught:
        registry.get("nine")
    assert caught.value.message.endswith(why)


def test_a_name_of_our_own_is_not_another_package_s(site: Path, registry: Registry[int]) -> None:
    install(site, "two-numbers", {"two": "two_numbers:TWO"}, "TWO = 22")
    with pytest.raises(PluginError, match=r"two-numbers 1.2.*Videlicet itself has one"):
        registry.get("two")


def test_two_packages_do_not_share_a_name(site: Path, registry: Registry[int]) -> None:
    install(site, "first-numbers", {"ten": "first_numbers:TEN"}, "TEN = 10")
    install(site, "second-numbers", {"ten": "second_numbers:TEN"}, "TEN = 10")
    with pytest.raises(PluginError) as caught:
        registry.names()
    assert "first-numbers 1.2" in caught.value.message
    assert "second-numbers 1.2" in caught.value.message


def test_an_unknown_name_is_answered_with_those_that_there_are(registry: Registry[int]) -> None:
    with pytest.raises(InvalidInput, match=r"There is no number 'six'; there are two, rate\."):
        registry.get("six")


def test_an_entry_is_registered_once(registry: Registry[int]) -> None:
    with pytest.raises(LookupError, match="two entries"):
        registry.add("two", 3)
