from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests import samples
from tests.media.test_decode import watch
from tests.processes import PATIENCE, started
from tests.samples import RED, Scene

from videlicet.errors import MediaError
from videlicet.media import open_video
from videlicet.media.decode import DecodeEnd, VideoRequest
from videlicet.media.process import DecoderProcess, open_media
from videlicet.media.sandbox import Limits


def _decoders(program: int | None = None) -> set[int]:
    """Process ids of the decoders of a program, this one by default."""
    servers = [
        child
        for child in psutil.Process(program).children()
        if "videlicet.media.child" in child.cmdline()
    ]
    return {child.pid for server in servers for child in server.children()}


def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_leaving_early_ends_the_child(sample, settings):
    before = _decoders()
    with open_video(sample("talk.mp4", samples.talk), settings, VideoRequest(rate=25)) as events:
        next(events)
        assert _decoders() - before
    assert not _decoders() - before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("by", "code"),
    [
        (signal.SIGSEGV, "media_decoder_crashed"),
        (signal.SIGABRT, "media_decoder_crashed"),
        (signal.SIGXCPU, "media_limit_exceeded"),  # what the kernel sends over the limit
        (signal.SIGKILL, "media_limit_exceeded"),
    ],
)
def test_a_child_killed_fails_only_its_own_file(sample, settings, by, code):
    path = sample("talk.mp4", samples.talk)
    before = _decoders()
    with open_video(path, settings, VideoRequest(rate=25)) as events:
        next(events)
        (child,) = _decoders() - before
        os.kill(child, by)
        with pytest.raises(MediaError) as caught:
            list(events)
    assert caught.value.code == code
    assert isinstance(watch(path, settings)[-1], DecodeEnd)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_that_falls_silent_is_given_up(sample, settings):
    path = sample("talk.mp4", samples.talk)
    arguments = {"rate": 25, "max_side": 640, "shots": True, "threads": 1, "within": None}
    with (
        open_media(path) as file,
        DecoderProcess("video", arguments, Limits.of(settings), [file], subject="a video",
              largest=640**2 * 3) as child,
    ):  # fmt: skip
        messages = child.messages()
        next(messages)
        child._stall = 1  # from here on: starting may take longer
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(MediaError) as caught:
            list(messages)
    assert caught.value.code == "media_limit_exceeded"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_that_says_too_much_is_not_believed(sample, settings):
    path = sample("talk.mp4", samples.talk)
    arguments = {"rate": 2, "max_side": 640, "shots": True, "threads": 1, "within": None}
    with (
        open_media(path) as file,
        DecoderProcess("video", arguments, Limits.of(settings), [file], subject="a video",
              largest=1000) as child,
        pytest.raises(MediaError) as caught,
    ):  # fmt: skip
        list(child.messages())
    assert caught.value.code == "media_decoder_crashed"


@pytest.mark.skipif(sys.platform == "darwin", reason="no limit on address space")
def test_a_child_over_its_memory_is_stopped(tmp_path, settings):
    path = samples.video(
        tmp_path / "big.mkv", [Scene(RED, 0.2)], size=(4096, 2160), options={"g": "1"}
    )
    with pytest.raises(MediaError) as caught:
        watch(
            path,
            settings.model_copy(update={"decoder_memory": 480 * 1024 * 1024}),
            rate=25,
            max_side=4096,
        )
    assert caught.value.code in ("media_limit_exceeded", "media_decoder_crashed")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_does_not_outlive_a_parent_killed(sample, settings, tmp_path):
    script = f"""
import sys, time
from pathlib import Path
from videlicet import settings
from videlicet.media.decode import VideoRequest, open_video
with open_video(sys.argv[1], settings.load({str(tmp_path)!r}), VideoRequest(rate=25)) as events:
    next(events)
    print("ready", flush=True)
    time.sleep(600)
"""
    recording = sample("talk.mp4", samples.talk)
    with started(
        [sys.executable, "-c", script, str(recording)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        (decoder,) = _decoders(parent.pid)
        server = psutil.Process(decoder).ppid()
        parent.kill()
        for pid in (decoder, server):
            assert _until(lambda pid=pid: _is_gone(pid))


def _is_gone(pid: int) -> bool:
    # An orphan may stay a zombie until the system's first process collects it.
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_fork_server_that_was_killed_is_started_again(sample, settings):
    path = sample("talk.mp4", samples.talk)
    with open_video(path, settings, VideoRequest(rate=25)) as events:
        next(events)
        (decoder,) = _decoders()
        server = psutil.Process(decoder).parent()
        server.kill()
        server.wait(PATIENCE)
        # What it had forked goes on, and others start from a new one.
        assert isinstance(watch(path, settings)[-1], DecodeEnd)
        assert isinstance(list(events)[-1], DecodeEnd)
    assert _until(lambda: _is_gone(decoder))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_decoders_inherit_nothing_of_the_program(sample, settings, monkeypatch):
    monkeypatch.setenv("VIDELICET_API_KEY", "secret")
    path = sample("talk.mp4", samples.talk)
    with (
        socket.socket(),
        open_video(path, settings, VideoRequest(rate=25)) as others,
        open_video(path, settings, VideoRequest(rate=25)) as events,
    ):
        next(others)
        next(events)
        for decoder in _decoders():
            assert "VIDELICET_API_KEY" not in psutil.Process(decoder).environ()
            files = [os.readlink(file) for file in Path(f"/proc/{decoder}/fd").iterdir()]
            # Its request, its messages, and its standard error; ffmpeg opens the recording again.
            assert len([file for file in files if file.startswith("pipe:")]) == 2
            assert len({file for file in files if file.endswith("(deleted)")}) == 1
            assert {file for file in files if file.startswith("/") and "(" not in file} == {
                str(path)
            }
            assert not [file for file in files if file.startswith(("socket:", "anon_inode:"))]
