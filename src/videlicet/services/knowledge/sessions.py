"""Conversations about a knowledge store: what is asked, about which items, and after what.

The ``body`` of a session holds ``selections``, all that were made in it, and the newest ``turns``:
each question with the items that its answer cited. Answers are not kept: what they quote goes when
the items go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput, NotFound
from videlicet.search.words import terms, tokens
from videlicet.services.knowledge.collections import get_collection
from videlicet.services.knowledge.items import get_item, items_of
from videlicet.services.knowledge.stores import get_store, lock_store, store_index
from videlicet.services.problems import invalid
from videlicet.types import Index, Kind, Resource, Video, ordered_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

#: Turns of a session that are kept.
TURNS = 20
_SELECTED = re.compile(r"\{\{sel:(\d{1,9})\}\}")
_WORD = re.compile(r"\w+(?:[.:,'’\-]\w+)*")
#: Words that stand for something that was named before.
_REFERRING = frozenset(
    "he she it they him her them his hers its their theirs these those same".split()
)


@dataclass(frozen=True, slots=True)
class Selection:
    """An item or a collection that a question is about; ``kind`` is ``item`` or
    ``item_collection``."""

    kind: str
    id: str


#: What a selection names: the video of an item, or a collection.
Selected = Video | Resource


@dataclass(frozen=True, slots=True)
class SessionQuestion:
    """What is asked about a store; ``{{sel:N}}`` in it refers to a selection."""

    store_id: str
    content: str
    selections: Sequence[Selection] = ()
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One question. ``items`` are the ready videos that it is about, the newest first; ``earlier``
    is the turn before it, where it refers to that."""

    store: Resource
    index: Index
    session_id: str
    content: str
    selected: tuple[Selected, ...]
    items: tuple[Video, ...]
    earlier: dict[str, Any] | None

    def question(self, *, named: bool = False) -> str:
        """The words, with the selections in it called by their names, or by what they are."""

        def label(matched: re.Match[str]) -> str:
            one = self.selected[int(matched[1])]
            if named:
                return f"“{one.name}”"
            if not isinstance(one, Video):
                return "these"
            return "this picture" if one.item_type == "image" else "this video"

        return _SELECTED.sub(label, self.content)

    @property
    def search_text(self) -> str:
        """The words that the answer is looked for by: with those of the question before, where
        this one refers to it."""
        text = self.question()
        if self.earlier is None:
            return text
        there = set(tokens(text))
        meant = set(terms(self.earlier["question"])) - there
        before = [
            word for word in _WORD.findall(self.earlier["question"]) if meant & set(tokens(word))
        ]
        return " ".join([text, *dict.fromkeys(before)])


def begin_turn(caller: Caller, asked: SessionQuestion) -> Turn:
    """What is asked, in a session that is begun where none is gone on with.

    Raises:
        NotFound: ``resource_not_found``, the store.
        InvalidInput: ``invalid_argument``, for a session of another store, for selections that are
            not there, and for tokens that name none.
    """
    store = get_store(caller, asked.store_id)
    index = store_index(caller, store)
    session = None if asked.session_id is None else _session(caller, store, asked.session_id)
    content = asked.content
    if not any(character.isalnum() for character in _SELECTED.sub("", content)):
        raise invalid("input: content holds no words.")
    given = [(one, _selected(caller, store, index, one)) for one in asked.selections]
    named = [int(number) for number in _SELECTED.findall(content)]
    if strange := [number for number in named if number >= len(given)]:
        raise invalid(f"input: there is no selection for {{{{sel:{strange[0]}}}}}.")
    chosen = [row for _, row in given]
    if named:
        chosen = [given[number][1] for number in dict.fromkeys(named)]
    elif not given and session is not None:
        chosen = _earlier_selections(caller, store, index, session)
    ids = {item_id for row in chosen for item_id in _members(row)} if chosen else None
    turns = [] if session is None else session.body["turns"]
    turn = Turn(
        store=store,
        index=index,
        session_id=ordered_id("sess") if session is None else session.id,
        content=content,
        selected=tuple(row for _, row in given),
        items=tuple(items_of(caller, index, ids, ready=True)),
        earlier=turns[-1] if turns and _refers(content) else None,
    )
    _store_selections(caller, turn, session, [one for one, _ in given])
    return turn


def _session(caller: Caller, store: Resource, id: str) -> Resource:
    with suppress(NotFound):
        found = caller.catalog.resource(caller.manage, Kind.SESSION, id)
        if found.parent == store.id:
            return found
    raise invalid(f"session_id: there is no session {id!r} about this knowledge store.")


def _selected(caller: Caller, store: Resource, index: Index, one: Selection) -> Selected:
    try:
        if one.kind == "item":
            return get_item(caller, index, one.id)
        return get_collection(caller, store, one.id)
    except NotFound as error:
        raise invalid(f"selections: {error.message}") from None


def _earlier_selections(
    caller: Caller, store: Resource, index: Index, session: Resource
) -> list[Selected]:
    found = []
    for row in session.body["selections"]:
        with suppress(InvalidInput):  # deleted since
            found.append(_selected(caller, store, index, Selection(**row)))
    return found


def _members(one: Selected) -> Sequence[str]:
    if isinstance(one, Video):
        return [] if one.item_id is None else [one.item_id]
    return [str(id) for id in one.body["item_ids"]]


def _refers(content: str) -> bool:
    """Whether a question can be understood only after the one before it."""
    words = [word.casefold() for word in _WORD.findall(content)]
    return len(terms(content)) < 2 or not _REFERRING.isdisjoint(words)


def _store_selections(
    caller: Caller, turn: Turn, session: Resource | None, selections: Sequence[Selection]
) -> None:
    rows = [asdict(one) for one in selections]
    if session is None:
        now = datetime.now(UTC)
        made = Resource(
            id=turn.session_id, kind=Kind.SESSION, tenant=caller.tenant, created_at=now,
            updated_at=now, parent=turn.store.id, body={"selections": rows, "turns": []},
        )  # fmt: skip
        caller.catalog.put_resource(caller.manage, made)
    elif new := [row for row in rows if row not in session.body["selections"]]:
        both = [*session.body["selections"], *new]
        caller.catalog.update_resource(
            caller.manage, Kind.SESSION, session.id, body={"selections": both}
        )


def store_turn(caller: Caller, turn: Turn, response_id: str, cited: Sequence[str]) -> None:
    """Keep a turn that has been answered, for those that refer to it."""
    row = {"response_id": response_id, "question": turn.question(), "items": list(cited)}
    with lock_store(caller, turn.store.id), suppress(NotFound):  # the store was deleted meanwhile
        session = caller.catalog.resource(caller.manage, Kind.SESSION, turn.session_id)
        turns = [*session.body["turns"], row][-TURNS:]
        caller.catalog.update_resource(
            caller.manage, Kind.SESSION, session.id, body={"turns": turns}
        )
