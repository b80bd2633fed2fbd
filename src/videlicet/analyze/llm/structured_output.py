"""JSON schemas filled in by a language model, value by value from evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videlicet.analyze.llm import json_output, prompts, sentences
from videlicet.analyze.llm.checking import strip_markup
from videlicet.analyze.llm.injection import SafeEvidence, without_injections
from videlicet.analyze.schema import read_schema
from videlicet.types import Answer, EvidenceItem, Sentence, Usage

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.analyze.llm.checking import SupportChecker
    from videlicet.analyze.llm.session import Session


def fill_schema(
    model: Session,
    all_evidence: Sequence[AssetEvidence],
    schema: Mapping[str, Any],
    intent: str,
    *,
    temperature: float,
    max_tokens: int,
) -> Answer:
    """The schema filled in, each value with its evidence. A value that nothing supports becomes
    null, or goes, where the schema lets it; where it does not, the built-in backend fills in the
    whole of it, since it has a valid value for every schema.

    Raises:
        InvalidInput: those of :func:`~videlicet.analyze.schema.read_schema`, before any work.
        AnalysisError: those of the backend, also where it gives no JSON of the schema.
    """
    checked = read_schema(schema)
    read = without_injections(all_evidence)
    wrapped = json_output.with_citations(checked.source)
    task = prompts.data(wrapped, intent)
    query = " ".join([intent, *_names(schema)]).strip()[:2000]
    packed = model.pack_evidence(
        read,
        model.evidence_budget(task, max_tokens),
        (query, model.vector(query)) if query else None,
    )
    lines = prompts.evidence_lines(packed.items, read.assets)
    if not lines:
        answer = model.structure.extract(read.all_evidence, schema, intent)
        return replace(answer, untrusted=answer.untrusted or read.untrusted)
    value, usage = json_output.request_json(
        model.backend,
        prompts.build_messages(lines, read.names, task, model.frames(lines, read)),
        wrapped,
        temperature=temperature, max_tokens=max_tokens, check=model.check,
    )  # fmt: skip
    found, sentences, dropped = _checked_value(value, model.checker(lines, read), schema)
    for path in reversed(dropped):
        found, done = json_output.without_value(found, path, checked.valid)
        if not done:
            return _fill_by_builtin(model, read, schema, intent, usage, len(dropped))
    if not checked.valid(found):
        return _fill_by_builtin(model, read, schema, intent, usage, len(dropped))
    if not sentences:
        empty = model.not_found(read, usage, len(dropped))
        return replace(empty, value=found)
    return Answer(
        tuple(sentences), True, model.id, value=found, usage=usage, dropped=len(dropped),
        untrusted=read.untrusted,
    )  # fmt: skip


def _checked_value(
    reply: Mapping[str, Any], checker: SupportChecker, schema: Mapping[str, Any]
) -> tuple[Any, list[Sentence], list[json_output.Path]]:
    """The value as far as it is worded plainly, a sentence for each supported part, and the places
    of those that are not."""
    value = reply["value"]
    lines = {row["field"].strip("#"): row["lines"] for row in reply["citations"]}
    listed = json_output.choices(schema)
    sentences: list[Sentence] = []
    dropped: list[json_output.Path] = []
    for path, leaf in list(json_output.leaves(value)):
        if leaf is None or leaf == {} or leaf == []:
            continue
        name = " ".join(str(p) for p in path if isinstance(p, str)) or "value"
        numbers = _cited(lines, json_output.pointer(path))
        said, items = _checked(leaf, name, numbers, checker, listed)
        if not items:
            dropped.append(path)
            continue
        if said != leaf:
            value = json_output.with_value(value, path, said)
        text = said if isinstance(said, str) else str(said).lower()
        sentences.append(Sentence(f"{name}: {text}", items))
    return value, sentences, dropped


def _checked(
    leaf: Any, name: str, numbers: Sequence[int], checker: SupportChecker, listed: set[str]
) -> tuple[Any, tuple[EvidenceItem, ...]]:
    if isinstance(leaf, bool) or leaf in listed:
        return leaf, checker.choice(f"{name}: {leaf}", numbers)
    if isinstance(leaf, (int, float)):
        return leaf, checker.number(leaf, numbers)
    kept: list[str] = []
    items: dict[int, EvidenceItem] = {}
    for one in sentences.split(str(leaf)):
        text = strip_markup(one)
        if own := checker.support(text, numbers, title=True):
            kept.append(text)
            items |= {id(item): item for item in own}
    return " ".join(kept), tuple(items.values())


def _cited(lines: Mapping[str, Sequence[int]], place: str) -> list[int]:
    """The lines given for a field, or for what it is in."""
    while place:
        for form in (place, place.removeprefix("/"), "/value" + place):
            if form in lines:
                return list(lines[form])
        place = place.rpartition("/")[0]
    return list(lines.get("", lines.get("/", lines.get("value", ()))))


def _names(schema: Any) -> list[str]:
    """The names and descriptions of a schema's fields, as words to look for."""
    found: list[str] = []
    if isinstance(schema, Mapping):
        if isinstance(described := schema.get("description"), str):
            found.append(described)
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            found += [str(name).replace("_", " ") for name in properties]
    for one in schema.values() if isinstance(schema, Mapping) else schema:
        if isinstance(one, (Mapping, list)):
            found += _names(one)
    return found


def _fill_by_builtin(
    model: Session,
    read: SafeEvidence,
    schema: Mapping[str, Any],
    intent: str,
    usage: Usage,
    dropped: int,
) -> Answer:
    answer = model.structure.extract(read.all_evidence, schema, intent)
    return replace(
        answer, usage=answer.usage + usage, dropped=answer.dropped + dropped,
        untrusted=answer.untrusted or read.untrusted,
    )  # fmt: skip
