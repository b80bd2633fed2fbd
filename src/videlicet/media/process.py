"""The parent's end of a child process: start it, read its messages, end it.

A message is ``>IQ`` (length of header, length of body), the header as JSON, the body as raw bytes.
What a child says is not trusted: lengths are bounded and headers are checked by whoever reads them.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from videlicet.errors import InvalidInput, MediaError, StoreError, VidelicetError
from videlicet.media.fork_server import ForkedProcess, ForkServerGone, fork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from videlicet.media.sandbox import Limits

PREFIX = struct.Struct(">IQ")
LARGEST_HEADER = 4 * 1024 * 1024
#: Bytes the kernel may hold between child and parent; a full pipe is what stops the child.
PIPE_BYTES = 1024 * 1024
_F_SETPIPE_SZ = 1031
#: A file's path, or its bytes.
Input = str | os.PathLike[str] | bytes


def open_media(source: Input, subject: str | None = None) -> IO[bytes]:
    """The file (or the bytes as one), opened for reading.

    Raises :class:`InvalidInput` (``path_not_found``, ``path_not_readable``) or
    :class:`MediaError` (``media_empty``).
    """
    subject = subject or readable(source)
    if isinstance(source, bytes):
        return _in_memory(source, subject)
    path = source
    try:
        # Without O_NONBLOCK a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInput(
            "path_not_found", f"There is no file {subject}.", subject=subject
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "path_not_readable", f"{subject} cannot be opened: {_reason(error)}.", subject=subject
        ) from error
    try:
        _check(descriptor, subject)
        return os.fdopen(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def _in_memory(data: bytes, subject: str) -> IO[bytes]:
    if not data:
        raise MediaError("media_empty", f"{subject} is empty.", subject=subject)
    file: IO[bytes]
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("media"), "w+b", buffering=0)
    else:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
    file.seek(0)
    return file


def _check(descriptor: int, subject: str) -> None:
    """Refuse what is not a regular file with bytes in it."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput("path_not_readable", f"{subject} is not a file.", subject=subject)
    if not status.st_size:
        raise MediaError("media_empty", f"{subject} is empty.", subject=subject)


def readable(path: Input) -> str:
    """A path as text that can always be printed and stored (undecodable bytes as ``\\xNN``)."""
    if isinstance(path, bytes):
        return "the file given"
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


class DecoderProcess:
    """One child process doing one operation on the files given.

    Use as a context manager; leaving it ends the child whatever it is doing. The child also ends
    by itself when this process dies, for its standard input is then closed.

    ``stall`` is how many seconds the parent waits for the next message before it gives the child
    up; time during which nobody reads does not count.
    """

    def __init__(
        self,
        operation: str,
        arguments: Mapping[str, object],
        limits: Limits,
        files: Sequence[IO[bytes]],
        *,
        subject: str,
        largest: int,
        stall: float = 120.0,
    ) -> None:
        self.subject = subject
        self._largest = largest
        self._stall = stall
        request = {
            "operation": operation,
            "arguments": dict(arguments),
            "limits": limits.to_json(),
        }
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        standard_input, self._lifeline = _pipe()
        self._pipe, standard_output = _pipe()
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)
        self._process: ForkedProcess | None = None
        try:
            if sys.platform == "linux":
                with contextlib.suppress(OSError):  # an unprivileged user's total may be used up
                    fcntl.fcntl(self._pipe, _F_SETPIPE_SZ, PIPE_BYTES)
            with standard_input, standard_output:
                streams = (standard_input, standard_output, self._errors)
                self._process = fork(
                    [stream.fileno() for stream in streams], [file.fileno() for file in files]
                )
            # A dead child is noticed, with its reason, when the first message is read.
            with contextlib.suppress(BrokenPipeError):
                self._lifeline.write(json.dumps(request).encode() + b"\n")
        except ForkServerGone as error:
            self.close()
            raise MediaError(
                "media_decoder_crashed",
                f"The decoder of {subject} could not be started.",
                subject=subject,
                details={"log": str(error)},
            ) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> DecoderProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def close(self) -> None:
        """End the child and wait for it. Harmless when repeated."""
        if self._process is not None:
            self._process.close()
        self._pipe.close()
        with contextlib.suppress(BrokenPipeError):
            self._lifeline.close()
        self._errors.close()

    def messages(self) -> Iterator[tuple[dict[str, Any], NDArray[np.uint8]]]:
        """Every message up to the one of kind ``done``.

        Raises what the child reported, or :class:`MediaError` ``media_decoder_crashed`` or
        ``media_limit_exceeded`` when it died or fell silent.
        """
        while True:
            prefix = self._read(PREFIX.size)
            header_size, body_size = PREFIX.unpack(prefix.tobytes())
            if header_size > LARGEST_HEADER or body_size > self._largest:
                raise self._crash_error("it sent more than it may")
            raw = self._read(header_size)
            body = self._read(body_size)
            try:
                header = json.loads(raw.tobytes())
                kind = header["kind"]
            except (ValueError, LookupError, TypeError) as error:
                raise self._crash_error("it sent a message that cannot be read") from error
            if kind == "error":
                raise self._reported_error(header)
            if kind == "done":
                return
            if kind != "alive":
                yield header, body

    def only(self) -> tuple[dict[str, Any], NDArray[np.uint8]]:
        """The one message of an operation that answers once."""
        answers = list(self.messages())
        if len(answers) != 1:
            raise self._crash_error(f"it answered {len(answers)} times instead of once")
        return answers[0]

    def _read(self, size: int) -> NDArray[np.uint8]:
        import numpy as np

        buffer = np.empty(size, np.uint8)
        view = buffer.data
        got = 0
        while got < size:
            if not self._poll.poll(self._stall * 1000):
                self.close()
                raise self._limit_error(f"said nothing for {self._stall:g} seconds")
            count = os.readv(self._pipe.fileno(), [view[got:]])
            if not count:
                raise self._exit_error()
            got += count
        return buffer

    def _exit_error(self) -> VidelicetError:
        assert self._process is not None
        if not self._process.wait(5):
            return self._crash_error("it closed its pipe but went on")
        code = self._process.exit_code
        if code is None:
            return self._crash_error("nobody saw how")
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            what = "processor time" if code == -signal.SIGXCPU else "memory or processor time"
            return self._limit_error(f"used more {what} than it may")
        if code < 0:
            return self._crash_error(f"signal {signal.Signals(-code).name}")
        return self._crash_error(f"exit code {code}")

    def _limit_error(self, what: str) -> MediaError:
        return MediaError(
            "media_limit_exceeded",
            f"The decoder of {self.subject} {what} and was stopped.",
            subject=self.subject,
        )

    def _crash_error(self, what: str) -> MediaError:
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 2000))
        log = self._errors.read().decode("utf-8", "backslashreplace").strip()
        return MediaError(
            "media_decoder_crashed",
            f"The decoder of {self.subject} died ({what}).",
            subject=self.subject,
            details={"log": log} if log else None,
        )

    def _reported_error(self, header: Mapping[str, Any]) -> VidelicetError:
        code, message = header.get("code"), header.get("message")
        if code == "disk_full":
            return StoreError(code, "The disk is full.", subject=self.subject)
        if code not in MediaError.CODES or not isinstance(message, str):
            return self._crash_error("it reported an unknown error")
        return MediaError(code, f"{self.subject}: {message}", subject=self.subject)
