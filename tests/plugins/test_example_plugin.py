"""A package that is installed by pip adds models, a kind of observation, an exporter and an
analysis backend, and all that there is works with them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.server import Client, Server, served
from tests.samples import BLACK, GREY, WHITE, Scene, video

from videlicet.models.fakes import IDS

HERE = Path(__file__).parent
MODELS = ",".join(
    [
        *(f"{role}={id}" for role, id in IDS.items()),
        "text=example-text",
        "vision=example-frames",
        "observer=example-brightness",
    ]
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a process that has the plugin."""
    folder = tmp_path_factory.mktemp("plugin")
    # Built from a copy: a build leaves files behind.
    shutil.copytree(HERE / "example_plugin", folder / "source")
    bare = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run(
        [
            # Without site: nothing may tell pip of another place than the one it is given.
            sys.executable, "-S", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--target", str(folder / "site"), str(folder / "source"),
        ],
        check=True, env=bare,
    )  # fmt: skip
    path = os.pathsep.join(filter(None, [str(folder / "site"), *sys.path]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "VIDELICET_HOME": str(folder / "home"),
        "VIDELICET_MODELS": MODELS,
    }


def run(environment: dict[str, str], *arguments: str) -> Any:
    """What the command prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "videlicet", *arguments, "--json"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1] if arguments[0] == "add" else done.stdout)


@pytest.fixture(scope="module")
def indexed(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The same, where a video has been indexed with the plugin's models beside others."""
    recording = video(
        tmp_path_factory.mktemp("videos") / "video.mp4",
        (Scene(BLACK, 3, still=True), Scene(WHITE, 3, still=True), Scene(GREY, 3, still=True)),
    )
    run(environment, "add", str(recording))
    return environment


def test_the_models_are_listed(environment: dict[str, str]) -> None:
    listed = {row["id"]: row["role"] for row in run(environment, "models", "list")}
    assert listed["example-frames"] == "vision"
    assert listed["example-text"] == "text"
    assert listed["example-brightness"] == "observer"


def test_the_index_has_two_encoders_of_frames(indexed: dict[str, str]) -> None:
    [index] = run(indexed, "list", "--indexes")
    assert index["cards"]["vision"] == IDS["vision"]
    assert index["cards"]["vision+example-frames"] == "example-frames"
    assert index["cards"]["observer"] == "example-brightness"


def test_the_observations_are_stored_and_shown(indexed: dict[str, str]) -> None:
    found = run(indexed, "show", "video.mp4", "--modality", "brightness")["observations"]
    assert [one["payload"]["degree"] for one in found] == ["dark", "bright", "medium"]
    assert {one["card"] for one in found} == {"example-brightness"}


def test_words_find_the_observations(indexed: dict[str, str]) -> None:
    page = run(indexed, "search", "a bright picture", "--modality", "brightness")
    best = page["hits"][0]
    words = [one for one in best["evidence"] if one["lane"] == "brightness-words"]
    assert words[0]["card"] == "example-brightness"
    assert words[0]["text"] == "a bright picture"


def test_words_find_frames_in_the_shared_space(indexed: dict[str, str]) -> None:
    page = run(indexed, "search", "nothing that any class is called", "--modality", "visual")
    assert page["hits"]
    assert "example-frames" in {
        one["card"] for hit in page["hits"] for one in hit["evidence"] if one["lane"] == "scene"
    }
    assert "example-frames" in page["cards"]


def test_the_analysis_backend_answers_from_the_observations(indexed: dict[str, str]) -> None:
    environment = {**indexed, "VIDELICET_ANALYSIS_BACKEND": "example"}
    answer = run(environment, "ask", "How bright is it?")
    assert answer["analysis_backend"] == "example"
    assert answer["text"] == "First it is a dark picture."
    [citation] = answer["sentences"][0]["citations"]
    assert citation["modality"] == "brightness"


def test_the_exporter_writes_chapters(indexed: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "videlicet", "chapters", "video.mp4", "--format", "plain"],
        env=indexed, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("video.mp4\n0.0 ")


def test_a_page_shows_the_observations(indexed: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    query = "a bright picture"
    run(indexed, "search", query, "--modality", "brightness", "--html", str(page))
    shown = re.sub("</?mark>", "", page.read_text("utf-8"))
    assert "<b>brightness-words</b>" in shown
    assert '<p class="matched"><bdi>a bright picture</bdi></p>' in shown
    assert 'class="matched"><bdi>a bright picture</bdi>' in shown.split("<b>brightness</b>")[1]


def test_an_answer_quotes_them_by_their_name(indexed: dict[str, str]) -> None:
    answer = run(indexed, "ask", "In which video is a bright picture?")
    assert answer["found"], answer
    assert "Brightness at 0:03–0:06: “a bright picture”" in answer["text"]


def subtitles(environment: dict[str, str]) -> str:
    """The observations as SubRip."""
    rows = run(environment, "show", "video.mp4", "--modality", "brightness")["observations"]
    assert len(rows) == 3
    cues = [
        f"{number}\n{_clock(row['span']['start'])} --> {_clock(row['span']['end'])}\n"
        f"a {row['payload']['degree']} picture\n"
        for number, row in enumerate(rows, 1)
    ]
    return "\n".join(cues)


def _clock(seconds: float) -> str:
    return f"00:00:{seconds:06.3f}".replace(".", ",")


def test_subtitles_of_the_observations(indexed: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "videlicet", "subtitles", "video.mp4", "--modality", "brightness"],
        env=indexed, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == subtitles(indexed)


@pytest.fixture(scope="module")
def server(indexed: dict[str, str]) -> Iterator[Server]:
    """A server over the same videos."""
    variables = {key: value for key, value in indexed.items() if key.startswith("VIDELICET_")}
    variables["PYTHONPATH"] = indexed["PYTHONPATH"]
    with served(Path(variables.pop("VIDELICET_HOME")), **variables) as one:
        yield one


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """A client of the interface v1.3."""
    with Client(server, server.key(scopes=["read", "write"])) as one:
        yield one


def search_1_3(client: Client, index: str = "", **form: Any) -> httpx.Response:
    index = index or client.ok("GET", "indexes")["data"][-1]["_id"]
    return client.post(
        "search",
        data={"index_id": index, "query_text": "a bright picture", **form},
        # A request with a file is multipart, as this one must be.
        files={"nothing": b""},
    )


def test_the_kind_is_a_search_option_of_its_own_over_http(client: Client) -> None:
    found = search_1_3(client, search_options="brightness")
    assert found.status_code == 200, found.text
    best = found.json()["data"][0]
    # The bright scene, and neither the dark nor the medium one.
    assert (round(best["start"]), round(best["end"])) == (3, 6)
    pictures = search_1_3(client, search_options=["visual", "brightness"], operator="and")
    assert pictures.status_code == 200, pictures.text
    assert pictures.json()["data"]


def test_an_index_without_the_kind_refuses_it(client: Client) -> None:
    # Made with sounds only, it has no observer.
    models = [{"model_name": "marengo3.0", "model_options": ["audio"]}]
    made = client.ok("POST", "indexes", json={"index_name": "heard", "models": models})
    refused = search_1_3(client, made["_id"], search_options="brightness")
    assert refused.status_code == 400
    assert "made without brightness" in refused.json()["message"]
    unknown = search_1_3(client, search_options="smell")
    assert unknown.json()["message"] == (
        "search_options are visual, audio, transcription, brightness."
    )


def test_subtitles_of_the_observations_over_http(
    indexed: dict[str, str], server: Server, client: Client
) -> None:
    index = client.ok("GET", "indexes")["data"][-1]["_id"]
    [recording] = client.ok("GET", f"indexes/{index}/videos")["data"]
    place = f"{server.root}/v1/indexes/{index}/videos/{recording['_id']}/exports/subtitles.srt"
    found = client.get(place, params={"modality": "brightness"})
    assert found.text == subtitles(indexed)
    assert client.get(place).text == ""
    assert client.get(place, params={"modality": "smell"}).status_code == 400


def fields(document: Any, *names: str) -> Any:
    """The fields of the body that has those names."""
    (found,) = [
        one["properties"]
        for one in document["components"]["schemas"].values()
        if set(names) <= set(one.get("properties", ()))
    ]
    return found


def test_the_served_descriptions_list_what_the_package_adds(server: Server) -> None:
    native = httpx.get(f"{server.root}/v1/openapi.json").json()
    modalities = fields(native, "modalities", "parts", "group_by")["modalities"]["items"]["enum"]
    assert modalities == ["visual", "speech", "text", "brightness", "sound"]
    place = "/v1/indexes/{index_id}/videos/{video_id}/exports/{name}"
    parameters = native["paths"][place]["get"]["parameters"]
    (exporter,) = [one["schema"]["enum"] for one in parameters if one["name"] == "name"]
    assert {"chapters.youtube", "chapters.plain"} <= set(exporter)
    backends = fields(native, "analysis_backend", "sentences")["analysis_backend"]["examples"]
    assert backends == ["builtin", "endpoint", "gguf", "example"]
    v1_3 = httpx.get(f"{server.root}/openapi.json").json()
    options = fields(v1_3, "search_options", "index_id")["search_options"]
    assert options["items"]["enum"] == ["visual", "audio", "transcription", "brightness"]


def test_the_guide_shows_this_plugin() -> None:
    guide = (HERE.parents[1] / "docs" / "models.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert example in (HERE / "example_plugin" / "pyproject.toml").read_text("utf-8")


def test_nothing_of_ours_names_the_plugin() -> None:
    source = HERE.parents[1] / "src"
    for path in source.rglob("*.py"):
        assert "example_plugin" not in path.read_text("utf-8"), path
        assert "example-" not in path.read_text("utf-8"), path
