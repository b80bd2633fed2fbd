"""The settings in force."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from videlicet.cli.app import run


def printed_config(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> str:
    monkeypatch.setattr("sys.argv", ["videlicet", *words])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_every_setting_says_where_it_is_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "videlicet.toml").write_text(
        'threads = 3\nsecret = "hush"\nllm_key = "hush-hush"\nsample_rate = 2.0\n'
        'database_url = "postgresql://ada:hush@db.example/videos?sslpassword=hush"\n'
    )
    monkeypatch.setenv("VIDELICET_SAMPLE_RATE", "0.5")
    words = ("--home", str(tmp_path), "config", "show")
    found = json.loads(printed_config(capsys, monkeypatch, *words, "--json"))
    file = str(tmp_path / "videlicet.toml")
    assert found["threads"] == {
        "value": 3,
        "source": file,
        "description": "threads for models; 0 means one per core",
    }
    origins = {name: row["source"] for name, row in found.items()}
    assert found["sample_rate"]["value"] == 0.5
    assert origins["sample_rate"] == "VIDELICET_SAMPLE_RATE"
    assert origins["segment_min"] == "default"
    assert origins["home"] == "arguments"
    address = "postgresql://ada:***@db.example/videos?sslpassword=***"
    assert found["database_url"]["value"] == address
    assert found["secret"]["value"] == found["llm_key"]["value"] == "(set)"
    assert found["home"]["value"] == str(tmp_path)
    table = printed_config(capsys, monkeypatch, *words)
    assert "segment_max" in table
    assert "hush" not in table + json.dumps(found)
