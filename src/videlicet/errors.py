"""Every error Videlicet raises on purpose, as one tree.

::

    VidelicetError
    ├── InvalidInput          the caller's words or files are off; never retryable
    │   ├── InvalidQuery
    │   └── MediaError        something is wrong with one media file
    ├── NotFound              an index, asset, task or model nobody knows
    ├── NotPermitted          the rights policy said no
    ├── Conflict              another writer, a name already taken
    ├── StoreError            the data directory cannot be used as it is
    ├── ModelError            weights missing, altered or unusable
    ├── TaskError             a job broke off for a reason of our own
    ├── PluginError           an installed package breaks its promise
    ├── AnalysisError         a language model gave no answer that can be used
    └── Cancelled             the caller asked for it

Each *code* is stable and belongs to exactly one class. Its row in :data:`CODES` gives the HTTP
status, whether the same call may succeed later, and the remedy shown to the user.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What is fixed about one error code."""

    status: int
    retryable: bool
    remedy: str


class VidelicetError(Exception):
    """Base of all errors raised on purpose.

    ``code`` is one of the class's own codes; ``subject`` names the file, id or field concerned;
    ``details`` is JSON-ready and never holds media content or secrets.
    """

    CODES: Mapping[str, Code] = {}

    def __init__(
        self,
        code: str,
        message: str,
        *,
        subject: str | None = None,
        remedy: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        if code not in self.CODES:
            raise LookupError(f"{type(self).__name__} has no code {code!r}")
        super().__init__(message)
        row = self.CODES[code]
        self.code = code
        self.message = message
        self.subject = subject
        self.status = row.status
        self.retryable = row.retryable
        self.remedy = remedy or row.remedy
        self.details: dict[str, object] = dict(details or {})

    def to_json(self) -> dict[str, object]:
        """The error as programs see it (CLI ``--json``, HTTP bodies, stored task errors)."""
        return {
            "code": self.code,
            "message": self.message,
            "subject": self.subject,
            "retryable": self.retryable,
            "remedy": self.remedy,
            **({"details": self.details} if self.details else {}),
        }

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _rebuild,
            (type(self), self.code, self.message, self.subject, self.remedy, self.details),
        )


def _rebuild(
    kind: type[VidelicetError],
    code: str,
    message: str,
    subject: str | None,
    remedy: str | None,
    details: dict[str, object],
) -> VidelicetError:
    return kind(code, message, subject=subject, remedy=remedy, details=details)


class InvalidInput(VidelicetError):
    """The caller's words, options or files cannot be used."""

    CODES = {
        "invalid_argument": Code(400, False, "Correct the argument named in the message."),
        "path_not_found": Code(
            404, False, "Check the path; quote it if it holds spaces or wildcards."
        ),
        "path_not_readable": Code(
            403, False, "Give yourself read permission on it, or leave it out."
        ),
        "path_not_allowed": Code(
            400, False, "The path contains a symlink loop; name another file or folder."
        ),
        "nothing_to_add": Code(400, False, "Name at least one video or audio file."),
        "dataset_invalid": Code(400, False, "See docs/evaluation.md for the forms that are read."),
        "schema_invalid": Code(
            400, False, "Give a JSON schema (draft 2020-12) with the keywords of docs/analysis.md."
        ),
        "connector_not_configured": Code(
            400, False, "The operator sets google_client_id and google_client_secret."
        ),
        "redirect_uri_invalid": Code(
            422, False, "Give an https URI of a public host, without wildcard and fragment."
        ),
        "authorization_invalid": Code(400, False, "Authorize the connection again."),
        "schema_keyword_unsupported": Code(
            400, False, "Say it with the keywords of docs/analysis.md, or leave it out."
        ),
        "schema_unfillable": Code(
            400,
            False,
            "Allow null there, do not require it, or add a choice that says 'unknown'.",
        ),
        "asset_not_ready": Code(
            400, True, "Wait until the asset is ready; upload it again if it failed."
        ),
        "asset_type_not_supported": Code(400, False, "Use a video or a sound."),
        "duration_too_long": Code(400, False, "Use a task, or a shorter part of the recording."),
        "url_not_allowed": Code(400, False, "Use an http(s) address that the operator allows."),
        "url_failed": Code(
            502, True, "Check the address, or download the file and add it by path."
        ),
    }


class InvalidQuery(InvalidInput):
    """A search that cannot be run."""

    CODES = {
        "query_empty": Code(400, False, "Give words, a picture, a sound or a clip to search for."),
        "query_too_long": Code(400, False, "Shorten the text to what the model named can read."),
        "query_media_invalid": Code(
            400, False, "Give a readable JPEG, PNG, WebP, audio or video file."
        ),
        "filter_invalid": Code(400, False, "See docs/search.md for fields and operators."),
        "page_token_invalid": Code(
            400, False, "Use the token of the last page as it was returned."
        ),
        "page_token_expired": Code(410, False, "Search again; the pages are not kept any more."),
        "modality_not_indexed": Code(400, False, "Search a modality this index was built with."),
    }


class MediaError(InvalidInput):
    """One media file cannot be used, in whole or in part."""

    CODES = {
        "media_empty": Code(422, False, "The file has no bytes; copy it again from its source."),
        "media_not_recognised": Code(
            422, False, "Convert the file to MP4, MKV, WebM or a common audio form."
        ),
        "media_truncated": Code(
            422, False, "The file is cut short; copy it again from its source."
        ),
        "media_no_stream": Code(
            422, False, "The file holds no picture and no sound that can be indexed."
        ),
        "media_zero_duration": Code(
            422, False, "The file holds no moment in time; check how it was exported."
        ),
        "media_encrypted": Code(
            422, False, "Decrypt the file first; protected media cannot be read."
        ),
        "media_codec_unsupported": Code(422, False, "Convert the file to H.264, HEVC, VP9 or AV1."),
        "media_too_large": Code(
            413, False, "Cut the file, or raise the limit named in the message."
        ),
        "media_duration_implausible": Code(
            422, False, "The header and the bytes disagree; remux the file."
        ),
        "media_corrupt": Code(422, False, "Nothing in the file can be decoded; copy it again."),
        "media_limit_exceeded": Code(
            422, False, "The file used more memory or time than a decoder may."
        ),
        "media_decoder_crashed": Code(
            422, False, "The decoder died on this file; other files go on."
        ),
        "source_missing": Code(410, False, "The original is no longer where it was; add it again."),
    }


class NotFound(VidelicetError):
    """Something named does not exist (or is not yours to see)."""

    CODES = {
        "index_not_found": Code(404, False, "List the indexes with `videlicet list --indexes`."),
        "asset_not_found": Code(404, False, "List the assets with `videlicet list`."),
        "task_not_found": Code(404, False, "List the tasks with `videlicet status`."),
        "resource_not_found": Code(404, False, "Check the id, or list what there is."),
        "segment_not_found": Code(404, False, "Search again; the moment may have been removed."),
        "model_not_found": Code(404, False, "List the models with `videlicet models list`."),
        "blob_not_found": Code(404, False, "Run `videlicet doctor`."),
    }


class NotPermitted(VidelicetError):
    """The rights policy refused; ``details['reasons']`` names the rules."""

    CODES = {
        "purpose_not_permitted": Code(403, False, "Use a grant whose purpose the policy permits."),
        "scope_not_permitted": Code(403, False, "Use a key that has the scope named."),
    }


class Conflict(VidelicetError):
    """The call is right, but not now or not beside what exists."""

    CODES = {
        "database_locked": Code(
            409, True, "Wait for the other process to finish, or use another --home."
        ),
        "changes_pending": Code(409, True, "Wait a moment, then send the request again."),
        "redirect_uri_exists": Code(409, False, "Use the one that is registered."),
        "redirect_uris_full": Code(409, False, "Delete a redirect URI first."),
        "item_collection_exists": Code(409, False, "Choose another name."),
        "index_exists": Code(409, False, "Choose another name."),
        "resource_conflict": Code(409, False, "Delete what uses it first, or use force."),
        "task_not_cancellable": Code(409, False, "The task has already ended."),
        "task_not_retryable": Code(
            409, False, "Only failed and cancelled tasks can be tried again."
        ),
    }


class StoreError(VidelicetError):
    """The data directory cannot be used as it is."""

    CODES = {
        "store_not_found": Code(
            404, False, "Add a video first, or name the data directory with --home."
        ),
        "schema_too_new": Code(
            409, False, "Upgrade Videlicet; the data directory was left untouched."
        ),
        "database_corrupt": Code(
            500, False, "Run `videlicet doctor`, then restore a copy if it says so."
        ),
        "database_error": Code(
            500, True, "Try again; if it persists, report the message of the database."
        ),
        "store_not_writable": Code(
            403, False, "Give yourself write permission on the data directory."
        ),
        "store_unreachable": Code(
            503, True, "Check that the database or the object store runs and may be used from here."
        ),
        "disk_full": Code(507, True, "Free some disk space and run the same command again."),
    }


def not_written(path: str | os.PathLike[str], why: OSError | str) -> StoreError:
    """The error where a file that the user named, which is none of the data directory, cannot be
    written: ``disk_full`` or ``store_not_writable``."""
    full = isinstance(why, OSError) and why.errno == errno.ENOSPC
    said = why if isinstance(why, str) else why.strerror or type(why).__name__
    name = os.fspath(path)
    return StoreError(
        "disk_full" if full else "store_not_writable",
        f"{name} cannot be written: {said}.",
        subject=name,
        remedy=None if full else "Name a file in a folder that you may write to.",
    )


class ModelError(VidelicetError):
    """A model cannot be used."""

    CODES = {
        "weights_missing": Code(409, True, "Run `videlicet models pull`."),
        "weights_checksum_mismatch": Code(
            409, False, "Run `videlicet models pull --force` to download it again."
        ),
        "weights_unavailable": Code(
            502, True, "Check the package registry, or copy the weights by hand."
        ),
        "model_failed": Code(500, True, "Try again; if it persists run `videlicet doctor`."),
    }


class TaskError(VidelicetError):
    """A job broke off for a reason that is not the caller's."""

    CODES = {
        "worker_died": Code(
            500, True, "Run the same command again; finished work is kept and goes on from there."
        ),
        "task_failed": Code(500, True, "Try again; if it persists, report the message."),
    }


class PluginError(VidelicetError):
    """Something that an installed package adds cannot be used."""

    CODES = {
        "plugin_invalid": Code(500, False, "Update or uninstall the package named in the message."),
        "plugin_missing": Code(500, False, "Install the package that adds it again."),
    }


class ConnectorError(VidelicetError):
    """A service that files are imported from refused, or did not answer."""

    CODES = {
        "connector_refused": Code(
            400, False, "Authorize the connection again; the operator may look at the OAuth client."
        ),
        "connector_failed": Code(502, True, "Try again later."),
        "connector_file_refused": Code(400, False, "Choose a file that can be downloaded."),
        "connection_expired": Code(409, False, "Authorize a new connection to this account."),
    }


class AnalysisError(VidelicetError):
    """A language model that was asked gave no answer that can be used."""

    CODES = {
        "language_model_unreachable": Code(
            503, True, "Start the language model's server, or correct the setting llm_url."
        ),
        "language_model_busy": Code(503, True, "Try again later, or give the model more room."),
        "llm_request_rejected": Code(
            502, False, "Correct the settings llm_url, llm_model and llm_key."
        ),
        "language_model_failed": Code(
            502, True, "Try again; see the log of the language model's server."
        ),
    }


class Cancelled(VidelicetError):
    """The work was cancelled on request."""

    CODES = {"cancelled": Code(499, True, "Start it again with `videlicet status --retry`.")}


def all_codes() -> dict[str, Code]:
    """Every code of the tree, for documentation and tests."""
    found: dict[str, Code] = {}
    kinds = [VidelicetError]
    while kinds:
        kind = kinds.pop()
        kinds.extend(kind.__subclasses__())
        for code, row in kind.__dict__.get("CODES", {}).items():
            if code in found:
                raise LookupError(f"error code {code!r} belongs to two classes")
            found[code] = row
    return found


def from_json(row: Mapping[str, object]) -> VidelicetError:
    """The error that :meth:`VidelicetError.to_json` described, as when it was raised."""
    code = str(row["code"])
    kinds = [VidelicetError]
    while kinds:
        kind = kinds.pop()
        kinds.extend(kind.__subclasses__())
        if code in kind.__dict__.get("CODES", {}):
            subject, details = row.get("subject"), row.get("details")
            return kind(
                code,
                str(row["message"]),
                subject=None if subject is None else str(subject),
                remedy=str(row["remedy"]) if row.get("remedy") else None,
                details=details if isinstance(details, dict) else None,
            )
    raise LookupError(f"no error has the code {code!r}")
