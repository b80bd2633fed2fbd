"""The evaluation against the real library and the real models."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.samples import make_samples

import videlicet
from videlicet.evaluation import evaluate, read


@pytest.mark.slow
@pytest.mark.weights
def test_a_small_dataset_from_bytes_to_figures(tmp_path: Path) -> None:
    make_samples(tmp_path)
    with videlicet.open(tmp_path / "library") as library:
        dataset = read(tmp_path / "dataset")
        report = evaluate(library, dataset, resamples=100)
        text = report.by_asset["text"]["all"]
        assert (text["recall@1"], text["ndcg@10"]) == (1.0, 1.0)
        assert report.by_asset["image"]["all"]["recall@1"] == 1.0
        assert report.by_moment["text"]["all"]["recall@1_iou0.7"] == 1.0
        assert report.baselines["speech_bm25"]["by_asset"]["text"]["all"]["recall@1"] == 0.0
        assert "pp-ocrv6-small" in report.models
        assert report.unindexed == ()
        again = evaluate(library, dataset, resamples=100)
        assert again.by_moment == report.by_moment
