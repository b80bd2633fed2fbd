"""Classification with labels of the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput
from videlicet.library.parts import LibraryParts
from videlicet.rights import Purpose
from videlicet.types import Span

if TYPE_CHECKING:
    from videlicet.analyze.classify.classifier import Classification
    from videlicet.analyze.classify.classifier import Example as ClassifierExample

#: An example: the id of an asset, or with a stretch of it.
Example = str | tuple[str, Span]


class ClassificationMethods(LibraryParts):
    """The library's share of classification."""

    def classify(
        self,
        labels: Mapping[str, str] | Iterable[str],
        *,
        examples: Mapping[str, Sequence[Example]] | None = None,
        assets: Sequence[str] | None = None,
        threshold: float = 0.5,
        shots: bool = False,
        index: str = "default",
    ) -> list[Classification]:
        """The label of each asset of an index (or of each of ``assets``), or ``none`` where no
        label has a probability of at least ``threshold``. ``labels`` are names, with descriptions
        or without. With ``shots`` each shot is labelled by itself.

        ``examples`` lists assets, or stretches of them, by label; ``none`` lists some that belong
        to no label.

        Raises:
            InvalidInput: see :func:`videlicet.analyze.classify.classifier.classifier`.
            NotFound: ``asset_not_found``, for one that is not in the index.
        """
        from videlicet.analyze.classify.classifier import NONE, Category
        from videlicet.analyze.evidence.select_assets import ready_assets
        from videlicet.services.classification import classify_assets

        given = dict(examples or {})
        none = [_example(one) for one in given.pop(NONE, ())]
        described = (
            [*labels.items()] if isinstance(labels, Mapping) else [(name, "") for name in labels]
        )
        if strange := set(given) - {name for name, _ in described}:
            raise InvalidInput(
                "invalid_argument", f"{min(strange)!r} has examples but is no label.",
                subject="examples",
            )  # fmt: skip
        categories = [
            Category(name, text, tuple(_example(one) for one in given.get(name, ())))
            for name, text in described
        ]
        scope = self._index_scope(Purpose.ANALYZE, index)
        caller = self._caller()
        if assets is None:
            assets = ready_assets(scope, caller.platform.searcher(scope.index))
        return classify_assets(
            caller, scope.index, categories, assets, threshold=threshold, none=none, by_shot=shots
        )


def _example(given: Example) -> ClassifierExample:
    from videlicet.analyze.classify.classifier import Example as ClassifierExample

    return ClassifierExample(given) if isinstance(given, str) else ClassifierExample(*given)
