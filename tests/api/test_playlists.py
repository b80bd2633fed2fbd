"""Videos that are fetched in pieces, from HLS playlists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests import samples
from tests.api.server import DOUBLES, Client, published, served
from tests.ingest import rig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("server") / "home"
    with (
        served(home, **DOUBLES, VIDELICET_FETCH_ALLOWLIST="127.0.0.1/32") as server,
        Client(server, server.key()) as one,
    ):
        yield one


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a folder that is served."""
    with published(tmp_path) as address:
        yield address


def fetched(client: Client, url: str) -> dict[str, object]:
    made = client.ok("POST", "assets", data={"method": "url", "url": url})
    found: dict[str, object] = client.ended(f"assets/{made['_id']}")
    return found


def test_a_video_from_its_own_playlist(client: Client, tmp_path: Path, site: str) -> None:
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=14)[0]
    first = client.ended(f"assets/{client.upload(recording)}")
    playlist = httpx.get(first["hls"]["manifest_url"]).text
    segments = [line for line in playlist.splitlines() if not line.startswith("#")]
    assert len(segments) == 3
    again = fetched(client, first["hls"]["manifest_url"])
    assert (again["status"], again["filename"]) == ("ready", "index.m3u8")
    assert again["duration"] == pytest.approx(14, abs=0.3)
    # Of several versions, the best; and stretches of one file.
    host = first["hls"]["manifest_url"].partition("/media/")[0]
    whole = b"".join(httpx.get(host + segment).content for segment in segments)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "whole.ts").write_bytes(whole)
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:7"]
    at = 0
    for size in (len(whole) // 2, len(whole) - len(whole) // 2):
        lines += ["#EXTINF:7,", f"#EXT-X-BYTERANGE:{size}@{at}", "whole.ts"]
        at += size
    (tmp_path / "deep" / "good.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST"]))
    (tmp_path / "master.m3u8").write_text(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=10\nnothing.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=900,RESOLUTION=1x1\ndeep/good.m3u8\n"
    )
    third = fetched(client, f"{site}/master.m3u8")
    assert (third["status"], third["size"]) == ("ready", len(whole))


@pytest.mark.parametrize(
    "rest",
    [
        "#EXTINF:4,\nfilm.mp4\n",
        "#EXT-X-ENDLIST\n",
        '#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF:4,\nfilm.mp4\n#EXT-X-ENDLIST\n',
        "#EXTINF:4,\nhttp://169.254.169.254/latest\n#EXT-X-ENDLIST\n",
        "#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "#EXTINF:4,\nmissing.ts\n#EXT-X-ENDLIST\n",
        "#EXTINF:4,\nlist.m3u8\n#EXT-X-ENDLIST\n",
        "#EXT-X-STREAM-INF:BANDWIDTH=1\nlist.m3u8\n",
        "#EXT-X-STREAM-INF:RESOLUTION=1x1\nlist.m3u8\n",
        '#EXT-X-MAP:BYTERANGE="1@0"\n#EXTINF:4,\nfilm.mp4\n#EXT-X-ENDLIST\n',
        "#EXTINF:4,\nhttp://[x\n#EXT-X-ENDLIST\n",
        "#EXTINF:x,\nfilm.mp4\n#EXT-X-ENDLIST\n",
        "#EXT-X-KEY:IV=0x1\n#EXTINF:4,\nfilm.mp4\n#EXT-X-ENDLIST\n",
        "".join(f"#EXT-X-KEY:METHOD=NONE,IV=0x{n}\n#EXTINF:1,\na.ts\n" for n in range(20_000))
        + "#EXT-X-ENDLIST\n",
    ],
    ids=range(14),
)
def test_playlists_that_are_refused(client: Client, tmp_path: Path, site: str, rest: str) -> None:
    samples.video(tmp_path / "video.mp4", samples.THREE)
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n{rest}")
    failed = fetched(client, f"{site}/list.m3u8")
    assert failed["status"] == "failed"
    # Each for what it is, and none as a fault of the server's.
    assert "in step" not in str(failed["error"])
