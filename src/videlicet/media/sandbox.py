"""What confines the processes that read hostile bytes.

Every file is parsed in a child process of its own, forked from one that has never read a file or
known a secret (:mod:`videlicet.media.fork_server`), that gets the file as an open descriptor.
Always: limits on address space, processor time, open files, written bytes and core dumps; only the
``fd`` protocol; the containers and codecs listed here. Where the kernel has Landlock, the child
also loses every path of the file system and TCP.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: Containers that may be opened, by ffmpeg's names.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,wav,w64,mp3,flac,aac,"
    "aiff,caf,amr,ac3,eac3,dv,mxf,gif,ivf,h264,hevc,av1,obu,m4v,mpegvideo,rm,wtv,nut,y4m,"
    "yuv4mpegpipe"
)
_PICTURES = (
    "h264 hevc vp8 vp9 av1 libdav1d libvpx libvpx-vp9 mpeg1video mpeg2video mpeg4 msmpeg4v1 "
    "msmpeg4 msmpeg4v2 msmpeg4v3 h261 h263 h263i h263p flv mjpeg mjpegb prores dnxhd vc1 wmv1 wmv2 "
    "wmv3 theora ffv1 ffvhuff huffyuv utvideo rawvideo png gif cinepak svq1 svq3 dvvideo qtrle "
    "rv30 rv40 jpeg2000 cfhd vvc v210 hap magicyuv wrapped_avframe"
)
_SOUNDS = (
    "aac aac_latm aac_fixed mp3 mp3float mp2 mp2float mp1 mp1float ac3 eac3 opus libopus vorbis "
    "flac alac wmav1 wmav2 wmapro wmalossless amrnb amrwb amr_nb amr_wb dca truehd mlp speex "
    "libspeex gsm gsm_ms cook nellymoser qdm2 pcm_s8 pcm_u8 pcm_s16le pcm_s16be pcm_s24le "
    "pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_f64le pcm_f64be pcm_alaw pcm_mulaw "
    "pcm_s16le_planar pcm_s24le_planar pcm_s32le_planar pcm_bluray pcm_dvd adpcm_ms adpcm_ima_wav "
    "adpcm_ima_qt adpcm_yamaha adpcm_swf"
)
#: Decoders that may run, by ffmpeg's names.
VIDEO_CODECS = frozenset(_PICTURES.split())
AUDIO_CODECS = frozenset(_SOUNDS.split())


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use: bytes of address space and of output, seconds of processor time,
    and the largest picture, duration and number of streams it may meet."""

    memory: int
    cpu: float
    pixels: int
    duration: float
    streams: int
    output: int = 0

    @classmethod
    def of(cls, settings: Settings, *, cpu: float | None = None, output: int = 0) -> Limits:
        return cls(
            memory=settings.decoder_memory,
            cpu=min(settings.decoder_cpu, cpu or settings.decoder_cpu),
            pixels=settings.max_pixels,
            duration=settings.max_duration,
            streams=settings.max_streams,
            output=output,
        )

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def set_limits(limits: Limits) -> None:
    """Put this process under the resource limits; they can never be raised again."""
    import resource

    def cap(what: int, value: int) -> None:
        _, hard = resource.getrlimit(what)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))

    seconds = max(1, int(limits.cpu))
    cap(resource.RLIMIT_CPU, seconds)
    cap(resource.RLIMIT_CORE, 0)
    cap(resource.RLIMIT_NOFILE, 64)
    cap(resource.RLIMIT_FSIZE, max(limits.output, 64 * 1024))
    if sys.platform != "darwin":  # which accepts the call and ignores it
        cap(resource.RLIMIT_AS, limits.memory)


# Landlock: numbers from the kernel's user-space header (linux/landlock.h).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PR_SET_NO_NEW_PRIVS = 38
_READ_FILE, _READ_DIR = 4, 8
_RULE_PATH_BENEATH = 1
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _landlock_version() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version: int = libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    return max(0, version)


def enter_landlock() -> bool:
    """Give up the file system and TCP: what stays is the descriptors already open, and reading
    installed Python modules (libraries import some of theirs late).

    Returns whether the kernel did it.
    """
    version = _landlock_version()
    if not version:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights = (1 << _FS_RIGHTS.get(version, 16)) - 1
    ruleset = _Ruleset(rights, 3 if version >= 4 else 0)
    size = 16 if version >= 4 else 8
    handle = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
    if handle < 0:
        return False
    try:
        for folder in _module_folders():
            _allow_reading(libc, handle, folder)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            return False
        return bool(libc.syscall(_RESTRICT_SELF, handle, 0) == 0)
    finally:
        os.close(handle)


def _module_folders() -> set[str]:
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return {paths[name] for name in names} | {os.path.dirname(os.path.dirname(__file__))}


def _allow_reading(libc: ctypes.CDLL, handle: int, folder: str) -> None:
    try:
        parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return  # what cannot be opened needs no rule
    try:
        rule = _Beneath(_READ_FILE | _READ_DIR, parent)
        libc.syscall(_ADD_RULE, handle, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)


def level() -> str:
    """The confinement children get on this machine: ``landlock+limits`` or ``limits``."""
    return "landlock+limits" if _landlock_version() else "limits"
