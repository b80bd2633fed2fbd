"""Model names that clients send, and the models that do the work."""

from __future__ import annotations

from collections.abc import Sequence

from videlicet.api.errors import invalid_parameter

#: Names of search and embedding models, and of analysis models, that clients know; other
#: spellings of them are taken too.
EMBEDDING = ("marengo3.0", "marengo3.5", "marengo2.7", "marengo2.6")
ANALYSIS = ("pegasus1.5", "pegasus1.6", "pegasus1.2", "pegasus1.1")


def canonical_name(name: str) -> str:
    """The usual spelling of a model name (``Marengo-retrieval-2.7`` is ``marengo2.7``)."""
    text = name.casefold().replace("-retrieval", "").replace("-", "").replace("_", "")
    return text if text in EMBEDDING + ANALYSIS else name


def require_known(name: str, among: Sequence[str] = EMBEDDING) -> str:
    """The usual spelling of a name, or a refusal."""
    usual = canonical_name(name)
    if usual not in among:
        raise invalid_parameter(f"model_name must be one of {', '.join(among)}.")
    return usual
