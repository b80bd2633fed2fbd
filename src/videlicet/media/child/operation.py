"""One operation on the files given: read the request, confine oneself, do it, say so, exit."""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.sandbox import Limits, enter_landlock, set_limits

#: Operation → module and function; each module imports at its top all it will ever need, because
#: nothing can be imported after the process is sealed.
OPERATIONS = {
    "probe": ("container", "run_probe"),
    "video": ("picture", "run_video"),
    "audio": ("sound", "run_audio"),
    "frame": ("still", "run_frame"),
    "image": ("still", "run_image"),
    "clip": ("clip", "run_clip"),
    "copy": ("copy", "run_copy"),
    "reel": ("reel", "run_reel"),
    "pdf": ("pages", "run_pdf"),
}
#: Modules that only a few files need: a child imports them itself.
RARE = {"pages"}


def import_operations() -> None:
    """Import what most operations need."""
    for module, _ in OPERATIONS.values():
        if module not in RARE:
            importlib.import_module(f"videlicet.media.child.{module}")


def run_operation(files: Sequence[int]) -> NoReturn:
    """Serve the one request on standard input; messages go out on standard output."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            os._exit(0)
        line += piece
    request = json.loads(line)
    limits = Limits(**request["limits"])
    module_name, function_name = OPERATIONS[request["operation"]]
    module = importlib.import_module(f"videlicet.media.child.{module_name}")

    # Whatever a library prints must not end up between messages.
    pipe = os.dup(1)
    os.dup2(2, 1)
    set_limits(limits)
    enter_landlock()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    channel = ChildChannel(pipe)
    try:
        getattr(module, function_name)(channel, limits, files, request["arguments"])
        channel.send("done")
    except MediaRefusal as refusal:
        channel.refuse(refusal.code, refusal.message)
    except MemoryError:
        channel.refuse("media_limit_exceeded", "it needs more memory than a decoder may use.")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        channel.refuse("disk_full", f"{error.strerror}.")
    channel.close()
    sys.stderr.flush()
    os._exit(0)  # without waiting for decoder threads that may be stuck


def _die_with_parent() -> None:
    """End at once when the parent is gone: the other end of standard input closes with it.

    (A death signal would do the same, but the kernel sends that when the parent's *thread* ends.)
    """
    while os.read(0, 1):
        pass
    os._exit(0)
