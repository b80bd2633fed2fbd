"""A knowledge store with two videos and a picture in it, made with the official SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from tests import samples
from tests.api.sdk import ended
from tests.ingest import rig
from twelvelabs import TwelveLabs

from videlicet.models import fakes


@dataclass
class Shelf:
    """``assets`` and ``items`` by name: ``one``, ``two`` (videos) and ``sign`` (a picture)."""

    store: str
    assets: dict[str, str] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)


def sign(path: Path) -> Path:
    """A yellow picture with words on it."""
    pixels = samples.picture((320, 240), (230, 220, 20), step=None)
    Image.fromarray(fakes.draw_text(pixels, "BEWARE OF THE DRAGON")).save(path)
    return path


def upload(client: TwelveLabs, path: Path) -> str:
    """A ready asset."""
    with path.open("rb") as file:
        made = client.assets.create(method="direct", file=file)
    assert made.id is not None
    assert ended(lambda: client.assets.retrieve(made.id)).status == "ready"
    return made.id


def add(client: TwelveLabs, store: str, asset: str, **fields: Any) -> str:
    """A ready item."""
    made = client.knowledge_store_items.create(store, asset_id=asset, **fields)
    assert made.id is not None
    id = made.id
    found = ended(lambda: client.knowledge_store_items.retrieve(store, id))
    assert found.status == "ready", found
    return id


def shelf(client: TwelveLabs, folder: Path, **fields: Any) -> Shelf:
    """A store in which there is one of everything."""
    made = client.knowledge_stores.create(name="Shelf", **fields)
    assert made.id is not None
    found = Shelf(made.id)
    one, two = rig.make_videos(folder, 2, seconds=8)
    for name, path in (("one", one), ("two", two), ("sign", sign(folder / "sign.png"))):
        found.assets[name] = upload(client, path)
        found.items[name] = add(
            client, found.store, found.assets[name], metadata={"name": name, "tags": ["a", "b"]}
        )
    return found
