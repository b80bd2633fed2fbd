"""Responses out of a knowledge store, with the official SDK: what they cite, and how they stream.

The words of answers are the analysis backend's; these tests check only the citations.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import samples
from tests.api.knowledge_stores.shelf import Shelf, add, upload
from tests.api.sdk import Watched, require_status, sdk
from tests.api.server import Client, Server
from twelvelabs import (
    ResponseInputItem,
    ResponseSelection,
    TextParam,
    TextParamFormat_JsonSchema,
    TextParamFormat_Text,
    TwelveLabs,
)
from twelvelabs.errors import BadRequestError

from videlicet.api.v1_3.knowledge.responses import close_objects
from videlicet.models import fakes

SPOKEN = " ".join(fakes.VOCABULARY[8:11])  # in the second video
DRAGON = "What is written about the dragon?"
SCHEMA = {
    "type": "object",
    "properties": {
        "caption": {"type": "string", "description": "What is written on the sign"},
        "animals": {"type": "array", "items": {"type": "string"}},
    },
}


def words(text: str) -> list[ResponseInputItem]:
    return [ResponseInputItem(type="message", role="user", content=text)]


def ask(user: TwelveLabs, store: str, question: str, **options: Any) -> Any:
    return user.responses.create(knowledge_store_id=store, input=words(question), **options)


def message(response: Any) -> Any:
    """The one content part of the final answer."""
    (last,) = [one for one in response.output if one.type == "message"]
    assert last is response.output[-1]
    assert (last.role, last.phase, last.status) == ("assistant", "final_answer", "completed")
    (part,) = last.content
    return part


def require_cited(part: Any) -> list[Any]:
    """Every citation stands at a marker of its own in the text."""
    at = -1
    for one in part.annotations:
        marker = part.text[one.start_index : one.end_index + 1]
        assert marker[0] + marker[-1] == "[]", part
        assert marker[1:-1].isdigit(), part
        assert one.start_index > at
        at = one.end_index
        row = one.model_dump()
        assert {"title", "thumbnail_url", "hls_url"} <= row.keys()
        if one.type == "video_citation":
            assert 0 <= one.start_sec <= one.end_sec
    return list(part.annotations)


def test_an_answer_about_a_picture(user: TwelveLabs, made: Shelf) -> None:
    found = ask(user, made.store, DRAGON)
    for prefix, id in (("resp", found.id), ("sess", found.session_id), ("msg", found.output[0].id)):
        assert id.partition("_")[0] == prefix
        assert UUID(id.partition("_")[2]).version == 7
    assert (found.type, found.object, found.status) == ("response", "response", "completed")
    assert (found.knowledge_store_id, found.incomplete_details) == (made.store, None)
    assert abs((datetime.now(UTC) - found.created_at).total_seconds()) < 60
    assert found.usage.output_tokens > 0
    assert [one.type for one in found.output] == ["message"]
    part = message(found)
    assert "DRAGON" in part.text
    cited = require_cited(part)
    picture = next(one for one in cited if one.item_id == made.items["sign"])
    row = picture.model_dump(exclude_unset=True)
    assert (row["type"], row["title"], row["hls_url"]) == ("image_citation", "sign.png", None)
    assert "start_sec" not in row
    still = httpx.get(row["thumbnail_url"])
    assert (still.status_code, still.headers["content-type"]) == (200, "image/jpeg")


def test_an_answer_about_a_video(user: TwelveLabs, made: Shelf) -> None:
    part = message(ask(user, made.store, f"When does somebody say {SPOKEN}?"))
    cited = require_cited(part)
    recording = next(one for one in cited if one.item_id == made.items["two"])
    assert recording.type == "video_citation"
    assert recording.end_sec <= 8.01
    assert httpx.get(recording.thumbnail_url).headers["content-type"] == "image/jpeg"
    assert httpx.get(recording.hls_url).text.startswith("#EXTM3U")


def test_what_is_nowhere_is_not_made_up(user: TwelveLabs, made: Shelf) -> None:
    found = ask(user, made.store, "Which year was the Eiffel Tower opened?")
    part = message(found)
    assert part.text
    assert part.annotations == []
    empty = str(user.knowledge_stores.create(name="Empty").id)
    part = message(ask(user, empty, "What is here?"))
    assert part.text
    assert part.annotations == []
    value = json.loads(message(ask(user, empty, "What?", text=structured())).text)
    assert set(value) == {"caption", "animals"}


def structured() -> TextParam:
    return TextParam(format=TextParamFormat_JsonSchema(name="sign", schema_=SCHEMA))


def test_structured_answers(user: TwelveLabs, made: Shelf) -> None:
    found = ask(
        user, made.store, "What is on the sign?", text=structured(),
        selections=[ResponseSelection(kind="item", id=made.items["sign"])],
    )  # fmt: skip
    part = message(found)
    value = json.loads(part.text)
    assert set(value) == {"caption", "animals"}
    assert isinstance(value["animals"], list)
    for one in part.annotations:
        assert one.item_id == made.items["sign"]
        assert 0 <= one.start_index <= one.end_index < len(part.text)
    plain = TextParam(format=TextParamFormat_Text())
    assert "DRAGON" in message(ask(user, made.store, DRAGON, text=plain)).text


def test_selections(user: TwelveLabs, made: Shelf) -> None:
    """Answers come from what is selected, and from all of it where no token says more."""
    collections = user.knowledge_store_item_collections
    recordings = str(collections.create(made.store, name="Films").id)
    both = [made.items["one"], made.items["two"]]
    collections.add_items(made.store, recordings, item_ids=both)
    sign = ResponseSelection(kind="item", id=made.items["sign"])
    group = ResponseSelection(kind="collection", id=recordings)
    question = "Which title is written in {{sel:0}}?"
    part = message(ask(user, made.store, question, selections=[group, sign]))
    cited = require_cited(part)
    assert cited
    assert {one.item_id for one in cited} <= set(both)
    part = message(ask(user, made.store, DRAGON, selections=[sign]))
    assert {one.item_id for one in require_cited(part)} == {made.items["sign"]}
    part = message(ask(user, made.store, DRAGON, selections=[group]))
    assert made.items["sign"] not in {one.item_id for one in part.annotations}
    collections.delete(made.store, recordings)


def test_conversations(user: TwelveLabs, made: Shelf) -> None:
    first = ask(user, made.store, DRAGON)
    second = ask(
        user, made.store, "What else is written on it?", session_id=first.session_id,
        include=["intermediate_outputs"],
    )  # fmt: skip
    assert second.session_id == first.session_id
    assert second.id != first.id
    # What it refers to is looked for, and what the answer came from is read first.
    searched, read = (json.loads(one.arguments) for one in second.output if one.arguments)
    assert "dragon" in searched["query"]
    assert read["item_ids"][0] == made.items["sign"]
    sign = [ResponseSelection(kind="item", id=made.items["sign"])]
    third = ask(
        user, made.store, "What is {{sel:0}}?", selections=sign, session_id=first.session_id
    )
    # Selections stay with the conversation.
    fourth = ask(
        user, made.store, "Which title is written?", session_id=third.session_id,
        include=["intermediate_outputs"],
    )  # fmt: skip
    read = [json.loads(one.arguments) for one in fourth.output if one.name == "read"]
    assert read == [{"item_ids": [made.items["sign"]]}]
    other = str(user.knowledge_stores.create(name="Other").id)
    for store, session in ((other, first.session_id), (made.store, "sess_x")):
        with pytest.raises(BadRequestError):
            ask(user, store, "What?", session_id=session)


def test_steps_are_shown_when_asked_for(user: TwelveLabs, made: Shelf) -> None:
    found = ask(user, made.store, DRAGON, include=["intermediate_outputs"])
    kinds = [(one.type, one.name) for one in found.output]
    assert kinds == [
        ("function_call", "search"), ("function_call_output", None),
        ("function_call", "read"), ("function_call_output", None), ("message", None),
    ]  # fmt: skip
    for call, result in zip(found.output[:4:2], found.output[1:4:2], strict=True):
        assert call.call_id == result.call_id
        assert (call.status, result.status) == ("completed", "completed")
    searched = json.loads(found.output[1].output)["items"]
    assert searched[0] == {"item_id": made.items["sign"], "title": "sign.png"}
    assert {one["item_id"] for one in searched} == set(made.items.values())
    assert require_cited(message(found))


def test_instructions_change_no_evidence(user: TwelveLabs, made: Shelf) -> None:
    part = message(ask(user, made.store, DRAGON, instructions="Say that there are ten dragons."))
    assert "DRAGON" in part.text
    assert require_cited(part)


# -- streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("include", [None, ["intermediate_outputs"]])
def test_streams(user: TwelveLabs, made: Shelf, include: Any) -> None:
    options = {} if include is None else {"include": include}
    events: list[Any] = list(
        user.responses.create_stream(knowledge_store_id=made.store, input=words(DRAGON), **options)
    )
    kinds = [one.type for one in events if one.type != "keepalive"]
    numbers = [one.sequence_number for one in events]
    assert numbers == sorted(set(numbers))
    assert kinds[:2] == ["response.created", "response.in_progress"]
    deltas = [one.delta for one in events if one.type == "response.output_text.delta"]
    steps = [
        "response.output_item.added", "response.function_call_arguments.done",
        "response.output_item.done", "response.output_item.added", "response.output_item.done",
    ] * 2  # fmt: skip
    assert kinds[2:] == [
        *(steps if include else []), "response.output_item.added", "response.content_part.added",
        *["response.output_text.delta"] * len(deltas), "response.output_text.done",
        "response.content_part.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    begun, ended = events[0].response, events[-1].response
    assert (begun.status, begun.output, begun.usage) == ("in_progress", [], None)
    assert (begun.id, begun.session_id) == (ended.id, ended.session_id)
    part = message(ended)
    assert part.text == "".join(deltas)
    done = {one.type: one for one in events}
    assert done["response.output_text.done"].text == part.text
    assert done["response.content_part.done"].part == part
    assert done["response.output_item.done"].item == ended.output[-1]
    assert require_cited(part)
    places = [one.output_index for one in events if one.type == "response.output_item.done"]
    assert places == list(range(len(ended.output)))


def test_a_stream_on_the_wire(raw: Client, user: TwelveLabs, made: Shelf, tmp_path: Path) -> None:
    """Each event is two lines of ASCII, and a word ends them."""
    store = str(user.knowledge_stores.create(name="Ключи").id)
    pixels = fakes.draw_text(samples.picture((320, 240), samples.BLUE, step=None), "Über 3 Züge")
    from PIL import Image

    Image.fromarray(pixels).save(tmp_path / "Züge.png")
    add(user, store, upload(user, tmp_path / "Züge.png"))
    body = {
        "knowledge_store_id": store, "stream": True,
        "input": [{"type": "message", "role": "user", "content": "What is written about Züge?"}],
    }  # fmt: skip
    answer = raw.post("responses", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.isascii()
    frames = answer.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    rows = []
    for frame in frames[:-2]:
        event, data = frame.split("\n")
        row = json.loads(data.removeprefix("data: "))
        assert event == f"event: {row['type']}"
        rows.append(row)
    (part,) = rows[-1]["response"]["output"][-1]["content"]
    assert "Über 3 Züge" in part["text"]
    assert part["annotations"][0]["title"] == "Züge.png"
    # Without ``stream`` the answer comes at once.
    assert raw.post("responses", json={**body, "stream": None}).json()["object"] == "response"


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"input": []}, {"input": "x"}, {"input": None}, {"include": ["everything"]},
        {"input": [{"type": "message", "role": "system", "content": "x"}]},
        {"input": [{"type": "message", "role": "user", "content": ""}]},
        {"input": [{"type": "message", "role": "user", "content": " ?! "}]},
        {"input": [{"type": "message", "role": "user", "content": "x" * 10_001}]},
        {"input": [{"type": "message", "role": "user", "content": "What is {{sel:0}}?"}]},
        {"selections": [{"kind": "item", "id": "ksi_x"}]},
        {"selections": [{"kind": "collection", "id": "ksic_x"}]},
        {"selections": [{"kind": "asset", "id": "x"}]},
        {"text": {"format": {"type": "xml"}}},
        {"text": {"format": {"type": "json_schema", "schema": {}}}},
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": 1}}}},
        {"session_id": "sess_019f4f2a-b69b-7a01-9018-cc51681121ea"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_refused(raw: Client, made: Shelf, changes: dict[str, Any], stream: bool) -> None:
    body = {
        "knowledge_store_id": made.store, "stream": stream,
        "input": [{"type": "message", "role": "user", "content": "What is it?"}], **changes,
    }  # fmt: skip
    answer = raw.post("responses", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"]


def test_other_tenants_are_told_nothing(server: Server, user: TwelveLabs, made: Shelf) -> None:
    mine = ask(user, made.store, DRAGON)
    with sdk(server, server.key(tenant="foreign")) as other:
        require_status(404, lambda: ask(other, made.store, DRAGON))
        own = str(other.knowledge_stores.create(name="Own").id)
        texts = []
        for session, item in (
            (mine.session_id, made.items["sign"]), ("sess_nobody", "ksi_nobody"),
        ):  # fmt: skip
            selections = [ResponseSelection(kind="item", id=item)]
            for options in ({"session_id": session}, {"selections": selections}):
                refused = require_status(400, lambda o=options: ask(other, own, "What?", **o))
                texts.append(refused["message"].replace(session, "S").replace(item, "I"))
        assert texts[:2] == texts[2:]
    # Who may only read may ask.
    with sdk(server, server.key(scopes={"read"})) as reader:
        assert message(ask(reader, made.store, DRAGON)).text


def test_conversations_go_with_their_store(server: Server, user: TwelveLabs) -> None:
    from sqlalchemy import text

    from videlicet.store import open_store

    store = str(user.knowledge_stores.create(name="Gone").id)
    session = ask(user, store, "What is here?").session_id
    user.knowledge_stores.delete(store)
    require_status(404, lambda: ask(user, store, "And now?", session_id=session))
    with open_store(server.settings) as library, library.database.read_transaction() as base:
        kept = base.execute(text("SELECT id FROM resources WHERE kind = 'session'")).scalars()
        assert session not in list(kept)


def test_every_method_was_called(watched: Watched) -> None:
    """It needs those before it."""
    assert watched.forgotten_of("responses.") == set()


_LEAVES = st.sampled_from([{"type": "string"}, {"enum": [{"properties": {"x": 1}}]}, True])
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda rows: {"type": "object", "properties": rows}
        ),
        inner.map(lambda one: {"type": "array", "items": one}),
    ),
    max_leaves=8,
)


@given(_SCHEMAS)
def test_closed_objects_have_all_of_their_properties(schema: Any) -> None:
    def check(one: Any, other: Any) -> None:
        if not isinstance(one, dict) or "enum" in one:
            assert one == other
        elif one["type"] == "array":
            check(one["items"], other["items"])
        elif one["type"] == "object":
            assert other["additionalProperties"] is False
            assert sorted(other["required"]) == sorted(one["properties"])
            for name, row in one["properties"].items():
                check(row, other["properties"][name])

    check(schema, close_objects(schema))
