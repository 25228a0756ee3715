"""The errors a user can cause and mend; everything else is a bug and keeps its traceback."""


class VQSSError(Exception):
    """Something failed; the message says what is wrong and what to do (`what; mend`), exit code 1."""

    exit_code = 1


class UsageError(VQSSError):
    """The request itself makes no sense (unknown cluster, bad option), exit code 2."""

    exit_code = 2
