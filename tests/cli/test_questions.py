from __future__ import annotations

import json

ASKED = {
    "files": {"slide.mp4": None, "gone.mp4": None},
    "questions": [
        {
            "id": "q1",
            "question": "What is due?",
            "kind": "written",
            "files": ["slide.mp4"],
            "gold": [{"file": "slide.mp4", "start_s": 0.0, "end_s": 2.0}],
            "accepted": ["invoice"],
        },
        {"id": "q2", "question": "Who is the pilot?", "kind": "across", "gold": []},
        {"id": "q3", "question": "Who?", "kind": "spoken", "files": ["gone.mp4"], "gold": []},
    ],
    "chapters": [{"file": "slide.mp4", "starts_s": [0.0]}],
    "summaries": [{"file": "slide.mp4", "facts": ["invoice", "dog"]}],
}


def test_evaluate_takes_questions(videlicet, home, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(ASKED))
    done = videlicet("evaluate", path, "--index", "default", "--json")
    assert done.code == 0
    metrics = done.json["answers"]["all"]["all"]
    assert (metrics["citation_precision"], metrics["exact"], metrics["not_found"]) == (1, 1, 1)
    assert done.json["left_out"] == 1
    assert "outcomes" not in done.json
    # The default index, where none is named.
    done = videlicet("evaluate", path, "--json", "--queries")
    assert [row["id"] for row in done.json["outcomes"]] == ["q1", "q2"]
    printed = videlicet("evaluate", path)
    assert "answers, all" in printed.out
    assert "summaries: " in printed.err
    assert "Left out" in printed.err


def test_questions_that_are_off_are_reported(videlicet, home, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"files": {}, "questions": []}))
    done = videlicet("evaluate", path, "--json")
    assert done.code == 2
    assert done.error["code"] == "dataset_invalid"
