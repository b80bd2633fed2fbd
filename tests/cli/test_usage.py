"""What needs no library and no model: help, version, words that are no command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import videlicet as vl
from videlicet.cli.context import Context

VERBS = "add search list show remove status doctor evaluate demo models".split()
COMMAND = [sys.executable, "-m", "videlicet"]


def test_help_lists_every_verb_and_exit_code(videlicet):
    done = videlicet("--help")
    assert done.code == 0
    for verb in VERBS:
        assert f"\n  {verb} " in done.out
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 70, 130):
        assert f" {code} " in done.out


@pytest.mark.parametrize(
    "verb", [*VERBS, *(f"models {v}" for v in ("list", "show", "pull", "verify"))]
)
def test_every_verb_explains_itself(videlicet, verb):
    done = videlicet(*verb.split(), "--help")
    assert done.code == 0
    assert "Usage: videlicet " + verb in done.out
    if verb != "models":
        assert "--json" in done.out


def test_version(videlicet):
    assert videlicet("--version").out == f"videlicet {vl.__version__}\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['videlicet', '--help']\n"
        "from videlicet.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'av', 'onnxruntime', 'lancedb', 'sqlalchemy', 'dbos', 'rich', 'cv2'}\n"
        "sys.stderr.write(','.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["find"],
        ["search", "a dog", "--colour", "red"],
        ["search", "a dog", "--limit", "none"],
        ["search", "a dog", "--limit", "0"],
        ["search", "a dog", "--threshold", "2"],
        ["search", "a dog", "--group-by", "video"],
        ["add"],
        ["show"],
        ["models", "show"],
        ["models", "steal"],
    ],
)
def test_words_that_are_no_command(videlicet, words):
    done = videlicet(*words)
    assert done.code == 2
    assert "Usage: videlicet" in done.err + done.out
    if words:
        assert videlicet(*words, "--json").error["code"] == "invalid_argument"


def test_errors_are_json_where_output_is(videlicet):
    done = videlicet("show", "nothing", "--json")
    assert (done.code, done.out) == (3, "")
    assert done.error["code"] == "asset_not_found"
    assert done.error["remedy"]


def test_errors_for_people_say_what_to_do(videlicet):
    done = videlicet("show", "nothing")
    assert done.err.startswith("Error: ")
    assert "[asset_not_found]" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list",), "Nothing added yet."),
        (("list", "--indexes"), "No index yet."),
        (("search", "a dog"), "Nothing matches."),
        (("status",), "No tasks."),
        (("saved-search", "list"), "No saved searches"),
        (("saved-search", "matches"), "No matches yet."),
    ],
)
def test_a_fresh_library_is_empty(videlicet, words, said, monkeypatch, tmp_path):
    home = tmp_path / "fresh"
    monkeypatch.setenv("VIDELICET_HOME", str(home))
    done = videlicet(*words)
    assert done.code == 0
    assert said.lower() in (done.out + done.err).lower()
    rows = videlicet(*words, "--json").json
    assert (rows["hits"] if words[0] == "search" else rows) == []
    assert not home.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ["list"]), (0, ["status"]), (0, ["search", "a"]),
        (3, ["show", "x"]), (3, ["status", "--cancel", "x"]),
    ],
)  # fmt: skip
@pytest.mark.embedded("the tests put settings into the folder")
def test_looking_makes_no_library(videlicet, tmp_path, code, words):
    home = tmp_path / "nowhere"
    assert videlicet("--home", home, *words).code == code
    assert not home.exists()


@pytest.mark.embedded("the tests put settings into the folder")
def test_a_library_that_is_a_file_is_refused(videlicet, tmp_path):
    recording = tmp_path / "video.mp4"
    recording.touch()
    (tmp_path / "file").write_text("mine")
    for home in ("file", "file/inside"):
        for words in (["list"], ["add", recording]):
            done = videlicet("--home", tmp_path / home, *words, "--json")
            assert done.code == 6
            assert done.error["code"].startswith("store_")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_fault_of_our_own_says_how_to_report_it(videlicet, monkeypatch, capsys):
    def fail(self: Context) -> None:
        raise RuntimeError("the flux is out of phase")

    monkeypatch.setattr(Context, "library", fail)
    done = videlicet("list")
    assert done.code == 70
    assert "RuntimeError: the flux is out of phase" in done.err
    assert "--debug" in done.err
    assert videlicet("list", "--json").error["code"] == "internal"
    monkeypatch.setattr(sys, "argv", ["videlicet", "--debug", "list"])
    from videlicet.cli import main

    with pytest.raises(SystemExit):
        main()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("raised", [KeyboardInterrupt, EOFError])
def test_an_interrupt_is_told_apart(videlicet, monkeypatch, raised):
    def interrupt(self: Context) -> None:
        raise raised

    monkeypatch.setattr(Context, "library", interrupt)
    done = videlicet("list")
    assert done.code == 130
    assert "what was finished stays" in done.err


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "models", "list", "--json"], stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    assert done.returncode != 70


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_output_to_a_full_disk_is_reported():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "models", "list"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 6
    assert "[disk_full]" in done.stderr


def test_interrupt_from_the_keyboard():
    code = (
        "import os, signal, sys, time; sys.argv = ['videlicet', 'list']\n"
        "from videlicet.cli import main\n"
        "from videlicet.cli.context import Context\n"
        # Jobs in the background begin with the signal ignored; and it may arrive a little late.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "Context.library = lambda self: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "Interrupted; what was finished stays.\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_the_shell(shell):
    environment = {
        **os.environ,
        "_VIDELICET_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "videlicet mod",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "videlicet mod",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    command = [str(Path(sys.executable).with_name("videlicet"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "models" in done.stdout
