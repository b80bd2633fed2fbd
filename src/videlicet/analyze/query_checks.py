"""What may be asked: the same wherever it is asked, of a whole index or of one recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.errors import InvalidQuery

if TYPE_CHECKING:
    from videlicet.settings import Settings


def check_question(question: str, settings: Settings) -> None:
    """Refuse what is no question, before anything is read.

    Raises :class:`InvalidQuery`: ``query_empty`` for one without a letter or digit,
    ``query_too_long`` as :func:`check_length`.
    """
    if not any(character.isalnum() for character in question):
        raise InvalidQuery(
            "query_empty", "The question has no words.", subject="question",
            remedy="Ask in words what you want to know.",
        )  # fmt: skip
    check_length(question, settings, "question")


def check_length(text: str | None, settings: Settings, name: str) -> None:
    """Refuse words that are more than the setting ``max_query_chars`` allows for a search, too.

    Raises :class:`InvalidQuery` ``query_too_long``.
    """
    most = settings.max_query_chars
    if text is not None and len(text) > most:
        raise InvalidQuery(
            "query_too_long", f"The {name} has {len(text)} characters; at most {most} are read.",
            subject=name, remedy=f"Shorten the {name}.",
        )  # fmt: skip
