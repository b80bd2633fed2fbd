"""Classification with labels of the user's own: by description, and from examples.

**By description.** A label is its name and description, placed among texts by the text encoder. A
recording supports it by the cosine of what it shows, says and has written there with the label: of
each of the three the mean of the best quarter, and of these the best. A logistic curve, fitted on
the development corpus, makes a probability of that (Platt, *Probabilistic Outputs for Support
Vector Machines*, 1999); docs/classification.md has the numbers.

**From examples.** A logistic regression for each label tells its examples from those of the others
by how the frames look and by what is shown, said and written on average. Its scores on examples
that it was not fitted on and the support above are two witnesses, weighed by a second small
regression (stacking: Wolpert, *Stacked Generalization*, 1992), which is kept near to counting both
alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.analyze.classify import logistic
from videlicet.analyze.evidence.load import MAX_LABELS, AssetEvidence, load_evidence
from videlicet.analyze.evidence.topics import is_spoken_in
from videlicet.embedding.spans import TimedVectors
from videlicet.embedding.texts import embed_texts, normalize
from videlicet.errors import InvalidInput
from videlicet.types import EvidenceItem, Label, Modality, Observation, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.rights import IndexScope
    from videlicet.search.encode import Encoders
    from videlicet.store import Store

    Floats = NDArray[np.float64]

#: What is answered where no label is likely enough; also the name of examples that have none.
NONE = "none"
#: Probability from which a label is given.
THRESHOLD = 0.5
#: A label without a description.
BARE = "this is about {}"
#: Share of the items of a kind that counts: what a recording is about need not fill it.
BEST = 0.25
#: The logistic curve from support to log-odds, for the starter text encoder.
SLOPE, SHIFT = 35.06, -11.60
#: Penalties of the regression on examples, and of the one that weighs the two witnesses.
RIDGE, NEAR = 0.1, 1.0
#: Most labels and most examples; folds by which scores are made of examples that were left out
#: (each by itself up to so many).
LABELS, EXAMPLES, FOLDS = 50, 200, 20
#: Items cited for a label.
CITED = 3


@dataclass(frozen=True, slots=True)
class Example:
    """An asset, or a stretch of one."""

    asset_id: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """A label of the user's own. ``threshold`` goes before that of all labels."""

    name: str
    description: str = ""
    examples: tuple[Example, ...] = ()
    threshold: float | None = None

    @property
    def text(self) -> str:
        """The text query for the label. A bare word is near to too much there; words
        around it help (Radford et al., *Learning Transferable Visual Models*, 2021, §3.1.4)."""
        return f"{self.name}: {self.description}" if self.description else BARE.format(self.name)


@dataclass(frozen=True, slots=True)
class Classification:
    """The likeliest label of an asset, or of a shot of it, with its probability; or ``none``, with
    the probability of the label that came nearest. ``scores`` has those of all labels, which need
    not add up to 1; ``citations`` are what supports the label most."""

    asset_id: str
    span: Span
    label: str
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    citations: tuple[EvidenceItem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "asset_id": self.asset_id,
            "start": float(self.span.start),
            "end": float(self.span.end),
            "label": self.label,
            "score": self.score,
            "scores": dict(self.scores),
            "citations": [item.to_json() for item in self.citations],
        }


@dataclass(frozen=True)
class ClassifiedAsset:
    """An asset that is classified: its evidence, and where examples count how its frames look."""

    evidence: AssetEvidence
    frames: TimedVectors
    #: What the models name in the pictures.
    seen: Sequence[Observation]
    #: Dimensions of the space of texts.
    wide: int

    @cached_property
    def named(self) -> TimedVectors:
        """The stretches of what is ``seen``."""
        return TimedVectors(
            [one.span for one in self.seen], np.zeros((len(self.seen), 0), np.float32)
        )


class Classifier:
    """Tells labels apart; made by :func:`classifier`."""

    def __init__(
        self,
        categories: Sequence[Category],
        rows: Floats,
        threshold: float,
        learned: Mapping[int, Floats],
        witnesses: Floats | None,
    ) -> None:
        self._categories = categories
        self._rows = rows
        self._threshold = threshold
        self._learned = learned
        self._witnesses = witnesses

    def whole(self, subject: ClassifiedAsset) -> Classification:
        """The label of an asset."""
        return self._one(subject, subject.evidence.span)

    def shots(self, subject: ClassifiedAsset) -> list[Classification]:
        """The label of each shot; of a sound recording, which has none, the label of all of it."""
        spans = subject.evidence.shots or (subject.evidence.span,)
        return [self._one(subject, span) for span in spans if span.duration > 0]

    def _one(self, subject: ClassifiedAsset, span: Span) -> Classification:
        evidence = subject.evidence
        odds = log_odds(support(evidence, span, self._rows))
        if self._witnesses is not None:
            features = features_of(subject, span)[None]
            for number, weights in self._learned.items():
                both = np.array([[logistic.scores(features, weights)[0], odds[number]]])
                odds[number] = logistic.scores(both, self._witnesses)[0]
        chances = logistic.sigmoid(odds)
        least = [
            self._threshold if one.threshold is None else one.threshold for one in self._categories
        ]
        order = np.argsort(-chances, kind="stable")
        given = [int(n) for n in order if chances[n] >= least[n]]
        best = given[0] if given else int(order[0])
        return Classification(
            asset_id=evidence.asset.id,
            span=span,
            label=self._categories[best].name if given else NONE,
            score=float(chances[best]),
            scores={one.name: float(p) for one, p in zip(self._categories, chances, strict=True)},
            citations=_cited(subject, span, self._rows[best]) if given else (),
        )


def classifier(
    scope: IndexScope,
    store: Store,
    encoders: Encoders,
    categories: Sequence[Category],
    *,
    threshold: float = THRESHOLD,
    none: Sequence[Example] = (),
) -> Classifier:
    """What tells ``categories`` apart in the scope's index; ``none`` are examples that belong to
    none.

    Raises:
        InvalidInput: ``invalid_argument``: no labels or too many, two of one name, a label without
            words, a threshold that is none, or examples that do not suffice: each label that has
            any needs two, and there must be some of another, or of none.
        NotFound: an example is not in the index.
    """
    _check(categories, threshold, none)
    rows = np.asarray(embed_texts(encoders.text, [one.text for one in categories]), np.float64)
    taught = [n for n, one in enumerate(categories) if one.examples]
    if not taught:
        return Classifier(categories, rows, threshold, {}, None)
    subjects: dict[str, ClassifiedAsset] = {}
    given: list[tuple[int | None, Example]] = [
        *((n, example) for n in taught for example in categories[n].examples),
        *((None, example) for example in none),
    ]
    features, odds = [], []
    for _, example in given:
        if example.asset_id not in subjects:
            subjects[example.asset_id] = subject_of(
                scope, store, example.asset_id, encoders, frames=True
            )
        one = subjects[example.asset_id]
        span = one.evidence.span if example.span is None else example.span
        if not span.overlap(one.evidence.span):
            raise _refuse(f"An example of {one.evidence.asset.name} lies outside of it.")
        features.append(features_of(one, span))
        odds.append(log_odds(support(one.evidence, span, rows)))
    owners = [owner for owner, _ in given]
    learned, witnesses = _fit(np.stack(features), np.stack(odds), owners, taught)
    return Classifier(categories, rows, threshold, learned, witnesses)


def subject_of(
    scope: IndexScope,
    store: Store,
    asset_id: str,
    encoders: Encoders,
    *,
    frames: bool,
) -> ClassifiedAsset:
    """An asset as it is classified; how its ``frames`` look is read where examples are given."""
    found = None
    if frames and "vision" in scope.index.cards:
        found = store.vectors.of_asset(scope, Modality.VISUAL, encoders.vision.card.space, asset_id)
    width = encoders.vision.dimensions if frames and "vision" in scope.index.cards else 0
    vectors = TimedVectors((), np.zeros((0, width), np.float32))
    if found is not None:
        vectors = TimedVectors(found.spans, found.vectors)
    return ClassifiedAsset(
        load_evidence(scope, store, asset_id),
        vectors,
        store.catalog.observations(scope, asset_id, Modality.VISUAL),
        encoders.text.dimensions,
    )


def support(evidence: AssetEvidence, span: Span, rows: Floats) -> Floats:
    """How much a stretch supports each label (n,): a cosine, 0 where nothing is known of it."""
    return np.asarray(_supports(evidence, span, rows).max(axis=0))


def _supports(evidence: AssetEvidence, span: Span, rows: Floats) -> Floats:
    """The same by what is shown, said and written, (3, n)."""
    looks = evidence.frame_vectors.rows[evidence.frame_vectors.overlapping(span)]
    found = [_best(looks, rows)]
    found += [_best(evidence.vectors[_within(evidence, m, span)], rows) for m in _SPOKEN]
    return np.stack(found)


def log_odds(support: Floats) -> Floats:
    """Support as the logarithm of the odds that a label is right."""
    return np.asarray(SLOPE * support + SHIFT)


def features_of(subject: ClassifiedAsset, span: Span) -> Floats:
    """How the frames of a stretch look, and what is shown, said and written in it: the directions
    of four means, one after the other; zeros where there is nothing."""
    evidence, wide = subject.evidence, subject.wide
    blocks = [
        _mean(subject.frames.rows, subject.frames.overlapping(span), None),
        _mean(evidence.frame_vectors.rows, evidence.frame_vectors.overlapping(span), wide),
        *(_mean(evidence.vectors, _within(evidence, m, span), wide) for m in _SPOKEN),
    ]
    return np.concatenate(blocks)


def _fit(
    features: Floats, odds: Floats, owners: Sequence[int | None], taught: Sequence[int]
) -> tuple[dict[int, Floats], Floats]:
    """The weights of each label's regression, and those of the two witnesses."""
    truth = np.array([[owner == n for n in taught] for owner in owners])
    # All that a regression with this penalty can use of the features is within their own span.
    left, sizes, right = np.linalg.svd(features, full_matrices=False)
    rows = left * sizes
    count = len(owners)
    folds = np.arange(count) % min(count, FOLDS)
    unseen = np.zeros((count, len(taught)))
    for fold in np.unique(folds):
        out = folds == fold
        for column in range(len(taught)):
            weights = logistic.fit(rows[~out], truth[~out, column], RIDGE, balanced=True)
            unseen[out, column] = logistic.scores(rows[out], weights)
    both = np.stack([unseen.ravel(), odds[:, list(taught)].ravel()], axis=1)
    witnesses = logistic.fit(both, truth.ravel(), NEAR, start=np.array([1.0, 1.0, 0.0]))
    learned = {}
    for column, number in enumerate(taught):
        weights = logistic.fit(rows, truth[:, column], RIDGE, balanced=True)
        learned[number] = np.append(weights[:-1] @ right, weights[-1])
    return learned, witnesses


_SPOKEN = (Modality.SPEECH, Modality.TEXT)


def _within(evidence: AssetEvidence, modality: Modality, span: Span) -> list[int]:
    """The places of items that a stretch has a good part of."""
    found = evidence.indices_within(span, modality)
    if modality is Modality.SPEECH:
        found = [n for n in found if is_spoken_in(evidence.items[n].span, span)]
    return found


def _best(found: Any, rows: Floats) -> Floats:
    """The mean of the best part of the cosines of (k, d) with each label, 0 without any."""
    if not len(found):
        return np.zeros(len(rows))
    cosines = np.sort(found @ rows.T, axis=0)[::-1]
    return np.asarray(cosines[: max(1, round(len(cosines) * BEST + 0.499))].mean(axis=0))


def _mean(rows: Any, places: list[int], wide: int | None) -> Floats:
    if not places:
        return np.zeros(rows.shape[1] if wide is None else wide)
    mean: Floats = normalize(rows[places].mean(axis=0, keepdims=True))[0].astype(np.float64)
    return mean


def _cited(subject: ClassifiedAsset, span: Span, row: Floats) -> tuple[EvidenceItem, ...]:
    """What supports a label most in a stretch, of the kind that does: what is said or written, or
    what the models name in the pictures. Nearest first, and at least half as near as the first."""
    evidence = subject.evidence
    kind = int(np.argmax(_supports(evidence, span, row[None])[:, 0]))
    frames = evidence.frame_vectors
    places = _within(evidence, _SPOKEN[kind - 1], span) if kind else frames.overlapping(span)
    if not places:  # nothing supports it, and it has no threshold to meet
        return ()
    if kind:
        items, near = [evidence.items[n] for n in places], evidence.vectors[places] @ row
    else:
        named = [_named(subject, frames.spans[n]) for n in places]
        near = frames.rows[places] @ row
        near, items = near[[n is not None for n in named]], [n for n in named if n is not None]
    if not items:
        return ()
    order = [int(n) for n in np.argsort(-near, kind="stable")[:CITED]]
    least = max(0.0, float(near[order[0]]) / 2)
    return tuple(items[n] for n in order if near[n] > least)


def _named(subject: ClassifiedAsset, span: Span) -> EvidenceItem | None:
    """What the models name in the pictures of one stretch, however unsure they are."""
    found: dict[str, float] = {}
    cards = set()
    for one in (subject.seen[n] for n in subject.named.overlapping(span)):
        if isinstance(one.payload, Label):
            found[one.payload.name] = max(one.payload.score, found.get(one.payload.name, 0.0))
            cards.add(one.card)
    if not found:
        return None
    names = sorted(found, key=lambda name: -found[name])[:MAX_LABELS]
    return EvidenceItem(
        subject.evidence.asset.id, span, Modality.VISUAL, ", ".join(names),
        tuple(sorted(cards)), confidence=found[names[0]],
    )  # fmt: skip


def _check(categories: Sequence[Category], threshold: float, none: Sequence[Example]) -> None:
    names = [one.name for one in categories]
    if not 1 <= len(names) <= LABELS:
        raise _refuse(f"There are 1 to {LABELS} labels.")
    if len(set(names)) < len(names):
        raise _refuse("Two labels have the same name.")
    for one in categories:
        if one.name == NONE:
            raise _refuse(f"{NONE!r} is what is answered where no label is likely enough.")
        if not any(character.isalnum() for character in one.name):
            raise _refuse(f"The name {one.name!r} of a label has no letters or digits.")
        if len(one.examples) == 1:
            raise _refuse(f"The label {one.name!r} has one example; it needs two, or none.")
    for limit in (threshold, *(one.threshold for one in categories)):
        if limit is not None and not 0 <= limit <= 1:
            raise _refuse("A threshold is from 0 to 1.")
    taught = [one for one in categories if one.examples]
    if taught and len(taught) < 2 and not none:
        raise _refuse("Give examples of another label too, or of none.")
    if none and not taught:
        raise _refuse("Examples of none need examples of a label beside them.")
    if sum(len(one.examples) for one in categories) + len(none) > EXAMPLES:
        raise _refuse(f"There are {EXAMPLES} examples at most.")


def _refuse(message: str) -> InvalidInput:
    return InvalidInput("invalid_argument", message, subject="labels")
