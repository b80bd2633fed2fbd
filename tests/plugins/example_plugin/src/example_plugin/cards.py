"""The models as rows of data: a pair of encoders in one space, and an observer."""

from __future__ import annotations

from videlicet.models.base import ModelCard
from videlicet.types import Calibration

SPACE = "example-space"

TEXT = ModelCard(
    id="example-text",
    role="text",
    title="Words in the space of example-frames",
    licence="Apache-2.0",
    homepage="",
    languages=("en",),
    dimensions=16,
    files=(),
    preprocessing={"buckets": 256},
    limits="Has random weights.",
    default=False,
    architecture="example-text",
    space=SPACE,
    calibration={"text": Calibration(0.3, 1.0, 0.9)},
)

FRAMES = ModelCard(
    id="example-frames",
    role="vision",
    title="Frames in the space of example-text",
    licence="Apache-2.0",
    homepage="",
    languages=(),
    dimensions=16,
    files=(),
    preprocessing={"side": 8, "mean": 127.5, "scale": 127.5},
    limits="Has random weights.",
    default=False,
    # Whoever pulls this card pulls that of the words as well.
    needs=("example-text",),
    architecture="example-frames",
    space=SPACE,
    text_space=SPACE,
    calibration={"text": Calibration(-1.0, 1.0, 0.9), "image": Calibration(0.2, 1.0, 0.9)},
)

BRIGHTNESS = ModelCard(
    id="example-brightness",
    role="observer",
    title="How bright the picture is",
    licence="Apache-2.0",
    homepage="",
    languages=("en",),
    dimensions=None,
    files=(),
    preprocessing={"dark": 60.0, "bright": 180.0},
    limits="Knows three degrees.",
    default=False,
    architecture="example-brightness",
    kinds=("brightness",),
)
