"""The errors a user can cause and mend; everything else is a bug and keeps its traceback."""

import copyreg
from typing import Any


class VQSSError(Exception):
    """Something failed; the message says what is wrong and what to do (`what; mend`), exit code 1."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # As it is, without its constructor, whose arguments need not be `args`: errors go from process to process.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class UsageError(VQSSError):
    """The request itself makes no sense (unknown cluster, bad option), exit code 2."""

    exit_code = 2


def reason(error: Exception) -> str:
    """Why something failed, without the name of the file: messages give that as the user did, not as it is inside."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
