from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from videlicet import settings
from videlicet.errors import InvalidInput


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("VIDELICET_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))


def test_defaults_are_in_the_users_own_folders(tmp_path: Path) -> None:
    found = settings.load()
    assert found.home == tmp_path / "ada/.local/share/videlicet"
    assert found.weights == tmp_path / "ada/.cache/videlicet/weights"


def test_xdg_folders_are_respected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = settings.load()
    assert found.home == tmp_path / "data/videlicet"
    assert found.weights == tmp_path / "cache/videlicet/weights"


def test_later_sources_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "videlicet.toml").write_text("threads = 3\nsample_rate = 1\nmax_streams = 4\n")
    monkeypatch.setenv("VIDELICET_THREADS", "5")
    monkeypatch.setenv("VIDELICET_SAMPLE_RATE", "0.5")
    found = settings.load(home, threads=7)
    assert (found.threads, found.sample_rate, found.max_streams) == (7, 0.5, 4)
    assert found.home == home


def test_the_data_directory_comes_from_argument_then_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIDELICET_HOME", str(tmp_path / "one"))
    assert settings.load().home == tmp_path / "one"
    assert settings.load(tmp_path / "two").home == tmp_path / "two"
    monkeypatch.setenv("VIDELICET_HOME", "~/videos")
    assert settings.load().home == tmp_path / "ada/videos"


def test_a_relative_home_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.load("videos").home == tmp_path / "videos"


def test_another_file_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('weights = "~/weights"\n')
    monkeypatch.setenv("VIDELICET_CONFIG", str(file))
    assert settings.load(tmp_path / "home").weights == tmp_path / "ada/weights"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("threads = ", "not valid TOML"),
        ("thread = 2", "Unknown setting 'thread' in .*Did you mean 'threads'?"),
        ("database = 'x'", "Unknown setting 'database' in .*Did you mean 'database_url'?"),
        ("home = '/elsewhere'", "Unknown setting 'home'"),
        ("threads = 'many'", "valid integer.*got 'many'"),
        ("threads = [1]", "valid integer"),
        ("threads = 2.5", "valid integer"),
        ("threads = -1", "Invalid setting 'threads' in /.*/videlicet.toml"),
        ("segment_min = 9", "segment_min must not exceed segment_max"),
        ("weights = 3", "weights"),
        ("llm_key = 1234", r"'llm_key'.*\(got '\(set\)'\)"),
    ],
)
def test_unusable_files_are_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "videlicet.toml").write_text(content)
    with pytest.raises(InvalidInput, match=says) as caught:
        settings.load(tmp_path)
    assert caught.value.code == "invalid_argument"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "videlicet.toml").write_bytes(b"threads = '\xff'")
    with pytest.raises(InvalidInput, match="not valid TOML"):
        settings.load(tmp_path)


def test_unusable_variables_and_arguments_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="Unknown setting 'colour' in arguments"):
        settings.load(tmp_path, colour="blue")
    monkeypatch.setenv("VIDELICET_MAX_PIXELS", "lots")
    with pytest.raises(InvalidInput, match=r"'max_pixels' in VIDELICET_MAX_PIXELS.*got 'lots'"):
        settings.load(tmp_path)


def test_a_tenant_may_always_do_something(tmp_path: Path) -> None:
    assert settings.load(tmp_path, max_tasks_per_tenant=1).max_tasks_per_tenant == 1
    with pytest.raises(InvalidInput, match="max_tasks_per_tenant"):
        settings.load(tmp_path, max_tasks_per_tenant=0)


def test_settings_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.load(tmp_path).threads = 2  # type: ignore[misc]


def test_cores_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 6}, raising=False)
    assert settings.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert settings.cores() == 7


def test_switches_are_read_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not settings.load(tmp_path).llm_vision
    for text, value in (("true", True), ("1", True), ("no", False), ("False", False)):
        monkeypatch.setenv("VIDELICET_LLM_VISION", text)
        assert settings.load(tmp_path).llm_vision is value
    assert settings.load(tmp_path, llm_vision=True).llm_vision
    monkeypatch.setenv("VIDELICET_LLM_VISION", "perhaps")
    with pytest.raises(InvalidInput, match=r"valid boolean.*got 'perhaps'"):
        settings.load(tmp_path)


@pytest.mark.parametrize("name", ["llm_context", "llm_timeout"])
def test_a_language_model_needs_room_and_time(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=name) as caught:
        settings.load(tmp_path, **{name: 0})
    assert caught.value.subject == name


def test_all_that_is_wrong_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "videlicet.toml").write_text("threads = 'many'\n")
    monkeypatch.setenv("VIDELICET_LOG_LEVEL", "loud")
    with pytest.raises(InvalidInput, match=r"'threads' in .*'log_level' in VIDELICET_LOG_LEVEL"):
        settings.load(tmp_path)


def test_unknown_variables_are_refused_with_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIDELICET_TREADS", "2")
    with pytest.raises(InvalidInput, match=r"'VIDELICET_TREADS'.*mean 'VIDELICET_THREADS'"):
        settings.load(tmp_path)
    with pytest.raises(InvalidInput, match="VIDELICET_TREADS"):
        settings.origins(tmp_path)


@pytest.mark.parametrize(
    "name", ["SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR", "TEST_SHARED"]
)
def test_variables_of_clusters_and_tests_are_no_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(f"VIDELICET_{name}", "1")
    assert settings.load(tmp_path).home == tmp_path


def test_a_constructor_reads_nothing_from_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIDELICET_THREADS", "5")
    assert settings.Settings(home=tmp_path, weights=tmp_path).threads == 0


def test_help_and_import_do_without_pydantic() -> None:
    code = "import sys, videlicet, videlicet.cli.app;sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
