"""The options of a search, and the modalities that each includes.

A kind of observation that a package adds belongs to the option that it names, or else is an option
of its own.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from videlicet.types import Modality
from videlicet.types.kinds import Method, all_kinds, searchable

#: The options that every server has.
SEARCH_OPTIONS = ("visual", "audio", "transcription")
#: What older clients ask for, by the option whose index they need.
_OLDER = {"conversation": "transcription", "text_in_video": "visual", "logo": "visual"}
#: Modalities that an option of another name includes.
_OURS = frozenset({Modality.VISUAL, Modality.SPEECH, Modality.TEXT, Modality.SOUND})


def option_modalities() -> dict[str, frozenset[Modality]]:
    """The modalities of each option that a search may name."""
    kinds = [kind for kind in all_kinds() if kind.modality and kind.lanes]
    found = {
        option: frozenset(
            kind.modality for kind in kinds if kind.modality and kind.search_option == option
        )
        for option in SEARCH_OPTIONS
    }
    found["visual"] |= {Modality.VISUAL}
    found["audio"] |= {Modality.SOUND}
    found |= {
        "conversation": found["transcription"],
        "text_in_video": frozenset({Modality.TEXT}),
        "logo": found["visual"],
    }
    for name in plugin_options():
        found[name] = found.get(name, frozenset()) | {Modality(name)}
    return found


def plugin_options() -> tuple[str, ...]:
    """The modalities that packages add and that no option of another name includes."""
    included = {kind.modality for kind in all_kinds() if kind.search_option in SEARCH_OPTIONS}
    return tuple(str(one) for one in searchable() if one not in _OURS | included)


def needed_index_option(option: str) -> str | None:
    """The option that an index must have been made with for a search by ``option``; None where
    its models decide."""
    option = _OLDER.get(option, option)
    if option == "transcription":
        return "audio"
    return option if option in SEARCH_OPTIONS else None


def matching(method: Method) -> str:
    """The transcription option that a way of searching belongs to."""
    return "semantic" if method is Method.SEMANTIC else "lexical"


class _Listed:
    """Lists the options of this server in the description. (Several may stand in one value,
    separated by commas; they are checked with the index.)"""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": [*SEARCH_OPTIONS, *plugin_options()]}


SearchOption = Annotated[str, _Listed()]
