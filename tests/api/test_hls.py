"""Videos as players get them: HLS that plays as one stream, ranges, the original, what is kept."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from tests import samples
from tests.api.server import DOUBLES, Client, Server, served

from videlicet.api.media.hls import SEGMENT_SECONDS, STREAM_START

PAGE = "https://player.example"
SETTINGS = {"VIDELICET_CORS_ORIGINS": f"{PAGE}, http://localhost:3000"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("videos") / "home", **DOUBLES, **SETTINGS) as one:
        yield one


def uploaded(client: Client, path: Path) -> dict[str, Any]:
    found = client.ended(f"assets/{client.upload(path)}")
    assert found["status"] == "ready", found
    return dict(found)


def segments(server: Server, asset: dict[str, Any]) -> tuple[list[float], list[str]]:
    """Lengths and addresses of a playlist."""
    answer = httpx.get(asset["hls"]["manifest_url"])
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    lines = answer.text.splitlines()
    assert "#EXT-X-DISCONTINUITY" not in lines
    target = next(line for line in lines if line.startswith("#EXT-X-TARGETDURATION:"))
    lengths = [float(line[8:].rstrip(",")) for line in lines if line.startswith("#EXTINF:")]
    assert max(map(round, lengths)) <= int(target.partition(":")[2])
    return lengths, [server.root + line for line in lines if line.startswith("/media/")]


def played(addresses: list[str]) -> tuple[list[av.VideoFrame], list[av.AudioFrame]]:
    """All segments of a playlist, decoded as the one stream that they are."""
    data = b"".join(httpx.get(one, timeout=60).raise_for_status().content for one in addresses)
    pictures, sounds = [], []
    with av.open(io.BytesIO(data), format="mpegts") as stream:
        for packet in stream.demux():
            assert not packet.is_corrupt
            for frame in packet.decode():
                (pictures if isinstance(frame, av.VideoFrame) else sounds).append(frame)
    return pictures, sounds


def times(frames: list[Any]) -> list[float]:
    return [float(frame.pts * frame.time_base - STREAM_START) for frame in frames]


def roughness(sounds: list[av.AudioFrame], hertz: float) -> Any:
    """How far each hundredth of a second is from a pure tone."""
    samples_ = np.concatenate([frame.to_ndarray()[0] for frame in sounds])
    moment = np.arange(960) / 48_000
    waves = np.stack([np.sin(2 * np.pi * hertz * moment), np.cos(2 * np.pi * hertz * moment)], 1)
    found = []
    for at in range(0, len(samples_) - 960, 480):
        chunk = samples_[at : at + 960]
        fit, *_ = np.linalg.lstsq(waves, chunk, rcond=None)
        found.append(np.abs(chunk - waves @ fit).max())
    return np.array(found)


def test_a_video_plays_as_one_stream(client: Client, server: Server, tmp_path: Path) -> None:
    scenes = [samples.Scene(samples.RED, 8), samples.Scene(samples.BLUE, 7)]
    path = samples.video(
        tmp_path / "long.mov", scenes, tones=[samples.Tone(seconds=15)], audio_codec="pcm_s16le"
    )
    lengths, addresses = segments(server, uploaded(client, path))
    assert sum(lengths) == pytest.approx(15, abs=0.05)
    pictures, sounds = played(addresses)
    displayed = times(pictures)
    assert displayed[0] == pytest.approx(0, abs=0.001)
    assert displayed[-1] == pytest.approx(15 - 1 / 25, abs=0.01)
    # Each segment begins with the picture that is on screen, and none is missing.
    assert len(displayed) == 15 * 25 + len(lengths) - 1
    steps = np.diff(displayed)
    assert steps.min() > 0
    assert steps.max() == pytest.approx(1 / 25, abs=0.001)
    heard = times(sounds)
    assert np.diff(heard) == pytest.approx(1024 / 48_000, abs=1e-4)
    assert heard[0] == pytest.approx(displayed[0], abs=0.001)
    assert heard[-1] == pytest.approx(15, abs=0.05)
    # No click where segments meet: the tone goes on there as everywhere.
    rough = roughness(sounds, 440)
    for joint in range(1, len(lengths)):
        at = round(joint * float(SEGMENT_SECONDS) * 100)
        assert rough[at - 10 : at + 10].max() < 0.02


def test_sound_alone(client: Client, server: Server, tmp_path: Path) -> None:
    path = samples.sound(tmp_path / "tone.wav", samples.Tone(seconds=14))
    lengths, addresses = segments(server, uploaded(client, path))
    pictures, sounds = played(addresses)
    assert pictures == []
    assert sum(lengths) == pytest.approx(14, abs=0.05)
    assert np.diff(times(sounds)) == pytest.approx(1024 / 48_000, abs=1e-4)
    assert roughness(sounds, 440)[10:-10].max() < 0.02


def test_a_late_start(client: Client, server: Server, tmp_path: Path) -> None:
    """Pictures begin at 2.5 s and sound at 3 s: the stream begins with the pictures."""
    asset = uploaded(client, samples.late_start(tmp_path / "late.mkv"))
    lengths, addresses = segments(server, asset)
    assert sum(lengths) == pytest.approx(asset["duration"], abs=0.01)
    pictures, sounds = played(addresses)
    assert times(pictures)[0] == pytest.approx(0, abs=0.001)
    heard = times(sounds)
    assert np.diff(heard) == pytest.approx(1024 / 48_000, abs=1e-4)
    silent = [t for t, f in zip(heard, sounds, strict=True) if np.abs(f.to_ndarray()).max() < 0.01]
    assert max(t for t in silent if t < 2) == pytest.approx(0.5, abs=0.06)


def test_a_variable_rate(client: Client, server: Server, tmp_path: Path) -> None:
    pictures, _ = played(
        segments(server, uploaded(client, samples.variable_rate(tmp_path / "vfr.mp4")))[1]
    )
    wanted = [n * n / 600 for n in range(60)]
    assert times(pictures) == pytest.approx(wanted, abs=0.002)


def test_segments_in_ranges(client: Client, server: Server, recording: Path) -> None:
    asset = uploaded(client, recording)
    address = segments(server, asset)[1][0]
    whole = httpx.get(address)
    assert whole.headers["content-type"] == "video/mp2t"
    assert whole.headers["accept-ranges"] == "bytes"
    require_ranges(address, whole.content, whole.headers["etag"])
    beyond = address.partition("/hls/")[0] + "/hls/99.ts?" + address.partition("?")[2]
    assert httpx.get(beyond).status_code == 403


def test_the_original_file(client: Client, server: Server, tmp_path: Path) -> None:
    name = 'ü "quoted".mp4'
    path = samples.video(tmp_path / "video.mp4", samples.THREE)
    with path.open("rb") as file:
        made = client.ok(
            "POST", "assets", data={"method": "direct", "filename": name}, files={"file": file}
        )
    asset = client.ended(f"assets/{made['_id']}")
    address = asset["original"]["url"]
    whole = httpx.get(address)
    assert whole.content == path.read_bytes()
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    wanted = "attachment; filename*=utf-8''%C3%BC%20%22quoted%22.mp4"
    assert whole.headers["content-disposition"] == wanted
    require_ranges(address, whole.content, whole.headers["etag"])


def test_what_is_no_video_is_not_shown_as_a_page(client: Client, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("<script>alert(1)</script>")
    answer = httpx.get(uploaded(client, note)["original"]["url"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def require_ranges(address: str, whole: bytes, tag: str) -> None:
    def got(method: str = "GET", **headers: str) -> httpx.Response:
        return httpx.request(method, address, headers={k.replace("_", "-"): v for k, v in headers.items()})  # fmt: skip  # noqa: E501

    size = len(whole)
    part = got(range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{size}"
    assert got(range="bytes=-5").content == whole[-5:]
    assert got(range=f"bytes={size - 3}-").content == whole[-3:]
    assert got(range="bytes=0-1,5-6").headers["content-type"].startswith("multipart/byteranges")
    far = got(range=f"bytes={size}-")
    assert (far.status_code, far.headers["content-range"]) == (416, f"bytes */{size}")
    head = got("HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(size)
    assert head.headers["etag"] == tag
    same = got(range="bytes=0-1", if_range=tag)
    other = got(range="bytes=0-1", if_range='"other"')
    assert (same.status_code, other.status_code) == (206, 200)
    assert other.content == whole
    unchanged = got(if_none_match=tag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.slow
def test_addresses_expire_and_cannot_be_changed(tmp_path: Path, recording: Path) -> None:
    with (
        served(tmp_path / "home", **DOUBLES, VIDELICET_SIGNED_URL_TTL="1") as server,
        Client(server, server.key()) as client,
    ):
        asset = uploaded(client, recording)
        addresses = [
            asset["original"]["url"], asset["hls"]["manifest_url"],
            asset["thumbnail"]["representative_url"],
        ]  # fmt: skip
        assert httpx.get(addresses[0]).status_code == 200
        other = uploaded(client, recording)
        for address in addresses:
            for wrong in (
                address.partition("?")[0],
                address.replace("signature=", "signature=0"),
                address.replace("expires=", "expires=9"),
                address.replace(asset["_id"], other["_id"]),
            ):
                answer = httpx.get(wrong)
                assert (answer.status_code, answer.json()["code"]) == (403, "signature_invalid")
        time.sleep(3)
        for address in addresses:
            assert httpx.get(address).status_code == 403


# -- pages of other origins ----------------------------------------------------------------------


def test_named_origins_may_ask(client: Client, server: Server, recording: Path) -> None:
    asset = uploaded(client, recording)
    manifest = httpx.get(asset["hls"]["manifest_url"], headers={"origin": PAGE})
    assert manifest.headers["access-control-allow-origin"] == PAGE
    part = httpx.get(segments(server, asset)[1][0], headers={"origin": PAGE, "range": "bytes=0-9"})
    assert part.status_code == 206
    assert "content-range" in part.headers["access-control-expose-headers"]
    asked = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key, content-type",
    }
    leave = httpx.options(f"{server.base}/search", headers=asked)
    assert leave.status_code == 200
    assert "x-api-key" in leave.headers["access-control-allow-headers"]
    assert "x-request-id" in leave.headers
    assert client.get("indexes", headers={"origin": PAGE}).headers[
        "access-control-allow-origin"
    ] == PAGE  # fmt: skip
    stranger = httpx.get(asset["hls"]["manifest_url"], headers={"origin": "https://other.example"})
    assert "access-control-allow-origin" not in stranger.headers
    refused = httpx.options(
        f"{server.base}/search", headers={**asked, "origin": "https://other.example"}
    )
    assert refused.status_code == 400


def test_no_origin_may_ask_by_itself(tmp_path: Path) -> None:
    with served(tmp_path / "home", **DOUBLES) as server, Client(server, server.key()) as client:
        answer = client.get("indexes", headers={"origin": PAGE})
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("wrong", ["*", "player.example", "https://player.example/", "ftp://x"])
def test_what_is_no_origin(tmp_path: Path, wrong: str) -> None:
    from videlicet.api.app import create_app
    from videlicet.api.state import ServerState
    from videlicet.errors import InvalidInput
    from videlicet.settings import load

    with pytest.raises(InvalidInput, match="is not an origin"):
        create_app(ServerState(load(tmp_path, cors_origins=wrong)))


# -- what is kept --------------------------------------------------------------------------------


def kept(server: Server) -> list[Path]:
    return sorted(path for path in (server.home / "cache").rglob("*") if path.is_file())


def test_segments_are_cut_once_and_go_with_the_asset(
    client: Client, server: Server, tmp_path: Path
) -> None:
    path = samples.video(tmp_path / "video.mp4", samples.THREE, tones=[samples.Tone(seconds=6)])
    asset = uploaded(client, path)
    address = segments(server, asset)[1][0]
    first = httpx.get(address, timeout=60)
    (file,) = (server.home / "cache" / asset["_id"]).iterdir()
    assert file.read_bytes() == first.content
    before = file.stat().st_ino
    assert httpx.get(address).content == first.content
    assert file.stat().st_ino == before
    client.ok("DELETE", f"assets/{asset['_id']}?force=true")
    assert httpx.get(address).status_code == 404
    chunks = (first.content[at : at + 64] for at in range(len(first.content) // 2, 10**9, 64))
    needle = next(chunk for chunk in chunks if len(set(chunk)) > 40)
    for left in server.home.rglob("*"):
        assert asset["_id"] not in str(left)
        assert not left.is_file() or needle not in left.read_bytes()


@pytest.mark.embedded("the cache holds copies of originals too")
@pytest.mark.slow
def test_the_oldest_go_first(tmp_path: Path) -> None:
    recording = samples.video(
        tmp_path / "long.mp4", [samples.Scene(samples.RED, 20)], tones=[samples.Tone(seconds=20)]
    )
    size = 400_000
    with (
        served(tmp_path / "home", **DOUBLES, VIDELICET_MEDIA_CACHE=str(size)) as server,
        Client(server, server.key()) as client,
    ):
        asset = uploaded(client, recording)
        addresses = segments(server, asset)[1]
        sizes = [len(httpx.get(one, timeout=60).content) for one in addresses]
        assert len(sizes) == math.ceil(20 / SEGMENT_SECONDS)
        assert sum(sizes) > size
        cached = kept(server)
        assert 0 < sum(path.stat().st_size for path in cached) <= size
        assert cached[-1].name.endswith(f"-{len(sizes) - 1}.ts")
        assert not any(path.name.endswith("-0.ts") for path in cached)
        # They outlive the server; what is nobody's, or half done, does not.
        server.stop()
        (server.home / "cache" / ("0" * 24)).mkdir()
        (server.home / "cache" / ("0" * 24) / "hls-1-0.ts").write_bytes(b"x")
        (cached[-1].parent / "half.part").write_bytes(b"x")
        server.start()
        assert kept(server) == cached
        # Without the server they go with the asset too.
        server.stop()


@pytest.mark.embedded("the cache holds copies of originals too")
@pytest.mark.slow
def test_nothing_is_kept_where_nothing_may_be(tmp_path: Path, recording: Path) -> None:
    with (
        served(tmp_path / "home", **DOUBLES, VIDELICET_MEDIA_CACHE="0") as server,
        Client(server, server.key()) as client,
    ):
        address = segments(server, uploaded(client, recording))[1][0]
        assert httpx.get(address, timeout=60).content == httpx.get(address, timeout=60).content
        assert not (server.home / "cache").exists() or not list((server.home / "cache").iterdir())


@pytest.mark.embedded("the server would have to be up to hear of it")
@pytest.mark.slow
def test_a_video_removed_by_hand_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videlicet.library import open as open_library

    recording = samples.video(tmp_path / "video.mp4", samples.THREE)
    home = tmp_path / "home"
    monkeypatch.setenv("VIDELICET_MODELS", DOUBLES["VIDELICET_MODELS"])
    with open_library(home) as library:
        (added,) = library.add(recording).ready
    with served(home, **DOUBLES) as server, Client(server, server.key()) as client:
        asset = client.ok("GET", f"assets/{added.asset_id}")
        httpx.get(segments(server, asset)[1][0], timeout=60).raise_for_status()
        assert len(kept(server)) == 1
        server.kill()
        server.settle()
        with open_library(home) as library:
            library.remove(str(added.asset_id))
        assert kept(server) == []
