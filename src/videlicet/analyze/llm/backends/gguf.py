"""Language models in this process: GGUF files through llama.cpp (xllamacpp), an extra."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.analyze.backend import Check, unchecked
from videlicet.analyze.llm.backends.base import (
    Channel,
    Final,
    Message,
    ModelTimeout,
    StreamEnd,
    Timeouts,
    collect_reply,
    stream_with_timeouts,
)
from videlicet.errors import AnalysisError, InvalidInput, ModelError
from videlicet.settings import cores
from videlicet.types import Finish, Usage

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: Tokens of evidence that one thread reads in about a second, beside the question; measured with
#: the smallest model there is.
QUICK_THREAD = 100
#: Folders of sockets, kept until the process ends.
_folders: list[tempfile.TemporaryDirectory[str]] = []
_servers: dict[tuple[Path, int], Any] = {}
_lock = threading.Lock()


class Gguf:
    """A model file, loaded when it is first asked and kept as long as the process."""

    #: No picture reaches the model.
    accepts_images = False

    def __init__(
        self, id: str, file: Path, *, context: int = 8192, threads: int = 0, timeout: float = 60.0
    ) -> None:
        self.id, self.context = id, context
        # One core is left to the rest: threads that wait for each other at every layer are slowed
        # many times over by whatever else runs.
        self._file, self._threads = file, threads or max(1, cores() - 1)
        self.quick_tokens = QUICK_THREAD * self._threads
        self._timeouts = Timeouts.of(timeout)

    @classmethod
    def of(cls, settings: Settings) -> Gguf:
        """The model that the setting ``llm_model`` names: a card's id, or the path of a file
        that ends in ``.gguf``.

        Raises:
            ModelError: ``weights_missing``, or ``model_failed`` without the extra.
            InvalidInput: ``invalid_argument``, it names neither.
            NotFound: ``model_not_found``.
        """
        _library()
        return cls(
            *_named(settings), context=settings.llm_context, threads=settings.threads,
            timeout=settings.llm_timeout,
        )  # fmt: skip

    def complete(
        self,
        messages: Sequence[Message],
        *,
        temperature: float,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        check: Check = unchecked,
    ) -> Iterator[str | Final]:
        """See :class:`~videlicet.analyze.llm.backends.base.LlmBackend`.

        llama.cpp constrains JSON by a grammar; a schema that it cannot turn into one constrains to
        JSON alone.
        """
        server = _loaded(self._file, self.context, self._threads)
        body: dict[str, Any] = {
            "messages": [{"role": one.role, "content": one.text} for one in messages],
            "temperature": temperature,
            "max_tokens": max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **({"stop": list(stop)} if stop else {}),
            **(_constraint(schema) if schema is not None else {}),
        }
        items = stream_with_timeouts(
            lambda channel: _run(server, body, channel), self._timeouts, check
        )
        return collect_reply(items, messages, max_tokens, _as_error)


def _library() -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelError(
            "model_failed",
            "Language models in this process need an extra that is not installed.",
            remedy="Run `pip install videlicet[gguf]`.",
        ) from error
    return xllamacpp


def _named(settings: Settings) -> tuple[str, Path]:
    from videlicet.models.cards import card
    from videlicet.models.weights import open_files

    name = settings.llm_model
    if name.endswith(".gguf"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise InvalidInput("invalid_argument", f"There is no file {path}.", subject="llm_model")
        return path.stem, path.absolute()
    chosen = card(name or "smollm2-135m-instruct")
    if chosen.role != "language":
        raise InvalidInput(
            "invalid_argument", f"{chosen.id} is no language model.", subject="llm_model"
        )
    (path,) = open_files(settings, chosen).values()
    return chosen.id, path


def _loaded(file: Path, context: int, threads: int) -> Any:
    """The running model of a file; llama.cpp is thread-safe and takes requests in turn."""
    with _lock:
        key = (file, context)
        if key not in _servers:
            library = _library()
            folder = tempfile.TemporaryDirectory(prefix="videlicet-gguf-")
            params = library.CommonParams()
            params.model.path = str(file)
            for name, value in _options(context, Path(folder.name)).items():
                setattr(params, name, value)
            for cpu in (params.cpuparams, params.cpuparams_batch):
                # Threads that wait sleep, so that they take no core from the other work there is.
                for name, value in {"n_threads": threads, "poll": 0}.items():
                    setattr(cpu, name, value)
            try:
                _servers[key] = library.Server(params)
            except RuntimeError as error:
                folder.cleanup()
                raise ModelError(
                    "model_failed", f"{file.name} cannot be loaded as a GGUF model.",
                    subject=file.name,
                ) from error  # fmt: skip
            _folders.append(folder)
        return _servers[key]


def _options(context: int, folder: Path) -> dict[str, Any]:
    return {
        "n_ctx": context,
        "n_parallel": 1,
        "cache_ram_mib": 0,
        # It listens beside being called, which cannot be turned off: on a socket in a folder that
        # only this user can enter, then, and not on a port. What ends in ".sock" is one.
        "hostnames": [str(folder / "gguf.sock")],
        "ui": False,
        "endpoint_slots": False,
        # Else the library writes what it reads to standard error.
        "verbosity": -1,
    }


def _constraint(schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        _library().json_schema_to_grammar(json.dumps(dict(schema)))
    except (RuntimeError, ValueError):
        return {"response_format": {"type": "json_object"}}
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": dict(schema)}}}


def _run(server: Any, body: dict[str, Any], channel: Channel) -> None:
    finish: Finish | None = None
    usage: Usage | None = None
    failed: list[AnalysisError] = []

    def take(chunk: dict[str, Any]) -> bool:
        nonlocal finish, usage
        if "error" in chunk:
            failed.append(_chunk_error(chunk["error"]))
            return True
        if row := chunk.get("usage"):
            usage = Usage(row["prompt_tokens"], row["completion_tokens"])
        gone = False
        for choice in chunk["choices"]:
            gone = channel.put(choice["delta"].get("content") or "")
            if reason := choice["finish_reason"]:
                finish = Finish.LENGTH if reason == "length" else Finish.STOP
        return gone

    server.handle_chat_completions(body, take)
    if failed:
        raise failed[0]
    if finish is not None:
        channel.put(StreamEnd(finish, usage))


def _chunk_error(error: Mapping[str, Any]) -> AnalysisError:
    if error.get("type") == "exceed_context_size_error":
        return AnalysisError(
            "llm_request_rejected", "The language model's context is too small for this.",
            remedy="Set llm_context to more, up to what the model was made for.",
        )  # fmt: skip
    return AnalysisError("language_model_failed", "llama.cpp gave no reply.")


def _as_error(error: BaseException) -> Exception:
    if isinstance(error, ModelTimeout):
        return AnalysisError(
            "language_model_busy", "The language model said nothing for too long.",
            remedy="Try again later, raise llm_timeout, or lower llm_context.",
        )  # fmt: skip
    if isinstance(error, (EOFError, RuntimeError, ValueError)):
        return AnalysisError("language_model_failed", "llama.cpp gave no reply.")
    return error if isinstance(error, Exception) else RuntimeError(str(type(error)))
