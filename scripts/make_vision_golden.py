"""Make ``tests/models/golden/vision.json``: what the reference implementation of EfficientNet-Lite
says of one made-up picture.

It runs the authors' PyTorch network on the weights as published, so it needs what Videlicet does
not: ``torch`` and ``efficientnet-lite-pytorch==0.1.0``, in an environment of their own.

    python scripts/make_vision_golden.py FOLDER

FOLDER holds the three ``efficientnet-liteN-XXXXXXXX.pth`` files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

OUT = Path(__file__).parent.parent / "tests/models/golden/vision.json"
SIDES = {"lite0": 224, "lite1": 240, "lite2": 260}


def picture(side: int) -> np.ndarray:
    """The same as in tests/models/test_vision.py: waves of colour, scaled as the network's input,
    float32 (1, 3, side, side)."""
    y, x = np.mgrid[:side, :side].astype(np.float64) / side
    waves = [np.sin(2 * np.pi * (a * x + b * y)) for a, b in ((3, 1), (1, 4), (5, 2))]
    pixels = np.round((np.stack(waves) + 1) * 127.5)
    return ((pixels - 127) / 128).astype(np.float32)[None]


def main(folder: Path) -> None:
    golden = {}
    for variant, side in SIDES.items():
        (path,) = folder.glob(f"**/efficientnet-{variant}-*.pth")
        model = EfficientNet.from_name(f"efficientnet-{variant}")
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        model.eval()
        with torch.no_grad():
            states = model.extract_features(torch.from_numpy(picture(side))).mean((2, 3))
            chances = model._fc(states).softmax(1)
        golden[variant] = {
            "features": [round(float(v), 6) for v in states[0]],
            "probabilities": [round(float(v), 8) for v in chances[0]],
        }
    OUT.write_text(json.dumps(golden) + "\n")
    print(f"{OUT.name}: {', '.join(golden)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
