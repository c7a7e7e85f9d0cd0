"""The exceptions of the tap.

None holds a row value, a token, a secret or a response body (see `redaction.py`). The bases are the
SDK's; on the right is what happens next:

    FatalSyncError
    ├── FatalAPIError
    │   └── CredentialsError            the run ends at once
    ├── ReportError                     this report fails, the others go on
    │   └── DownloadCancelledError      likewise; nobody waits for this report any more
    └── SyncFailedError                 all streams have ended; exit code 1
    RetriableSyncError                  the report is requested again, as a new job
    ├── RetriableAPIError
    │   ├── JobAbandonedError
    │   └── TransientError              the HTTP request is repeated first
    │       └── TokenRequestError
    └── UnusableResponseError
        └── CutShortError
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from singer_sdk.exceptions import (
    FatalAPIError,
    FatalSyncError,
    RetriableAPIError,
    RetriableSyncError,
)

from tap_crewmojo.redaction import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator


class CredentialsError(FatalAPIError):
    """No access token can be obtained, so no report can be read."""


class ReportError(FatalSyncError):
    """One report could not be downloaded or cannot be read.

    Args:
        message: a sentence for the log. Control characters in it are escaped: it may quote a
            heading.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class DownloadCancelledError(ReportError):
    """A download was cancelled because its stream has failed."""


class SyncFailedError(FatalSyncError):
    """At least one stream failed."""


class TransientError(RetriableAPIError):
    """An HTTP request failed for a reason that may pass.

    Args:
        message: the reason.
        retry_after: seconds to wait before the next try, if the server gave them.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TokenRequestError(TransientError):
    """A request for an access token failed for a reason that may pass."""


class JobAbandonedError(RetriableAPIError):
    """A job is lost, or takes too long."""


class UnusableResponseError(RetriableSyncError):
    """A response is neither a report nor a job, or is a report that cannot be read unambiguously.

    A proxy may have cut or replaced it, which is why the report is requested again.
    """


class CutShortError(UnusableResponseError):
    """A report ends before its text is complete."""


@contextlib.contextmanager
def errors_about(request: object) -> Iterator[None]:
    """Put the report and its window in front of the errors that reading it raises."""
    try:
        yield
    except ReportError as exc:
        msg = f"{request}: the report {exc}"
        raise ReportError(msg) from None
    except UnusableResponseError as exc:  # spooling does not see JSON that is nested too deeply
        msg = f"{request}: {exc}"
        raise ReportError(msg) from None
    except RecursionError:
        msg = f"{request}: the report is malformed JSON (nested too deeply)"
        raise ReportError(msg) from None


@contextlib.contextmanager
def errors_of_spooling() -> Iterator[None]:
    """Fail one report where the temporary folder is full."""
    try:
        yield
    except OSError as exc:
        msg = (
            f"could not be written to the temporary folder ({(exc.strerror or '').lower()}); make "
            "room there, or set TMPDIR to another"
        )
        raise ReportError(msg) from None
