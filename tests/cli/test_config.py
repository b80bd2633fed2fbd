"""The settings in force."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from videlicet.cli.app import run


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["videlicet", *words])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_every_setting_says_where_it_is_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "videlicet.toml").write_text(
        'threads = 3\nsecret = "hush"\nlanguage_key = "hush-hush"\nsample_rate = 2.0\n'
    )
    monkeypatch.setenv("VIDELICET_SAMPLE_RATE", "0.5")
    words = ("--home", str(tmp_path), "config", "show")
    found = json.loads(shown(capsys, monkeypatch, *words, "--json"))
    file = str(tmp_path / "videlicet.toml")
    assert found["threads"] == {"value": 3, "source": file}
    assert found["sample_rate"] == {"value": 0.5, "source": "the environment"}
    assert found["segment_min"] == {"value": 2.0, "source": "default"}
    assert found["home"]["value"] == str(tmp_path)
    table = shown(capsys, monkeypatch, *words)
    assert "segment_max" in table
    assert "hush" not in table + json.dumps(found)
