"""Every exception that a caller is meant to tell apart, branching by what the caller can do about it.

    WheelwitnessError
    ├── InputError          mend what you gave: a path, an option, a policy, a requirement   (exit 2)
    ├── Malformed           bytes from elsewhere break their format; they are never repaired
    ├── Unverified          well formed, but a signature, proof or digest does not hold
    └── Incomplete          nothing was decided; trying again may help                      (exit 5)
        ├── FetchFailed     a server did not give what was asked for
        │   └── NotFound    it answered that it has no such thing
        └── SandboxUnavailable   no working sandbox, so no foreign code may run

A message says what happened and to which file; `hint` says what to do next. A failed *build* is a result,
never one of these.
"""


class WheelwitnessError(Exception):
    """The root. `str(error)` is one line for people, already free of anything that needs escaping twice."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(WheelwitnessError):
    """What the user gave cannot be used."""


class Malformed(WheelwitnessError):
    """Bytes from PyPI, a build or a node that break the rules of their format."""


class Unverified(WheelwitnessError):
    """A claim whose signature, proof, subject or digest does not check out."""


class Incomplete(WheelwitnessError):
    """The work could not be done, and nothing follows from that."""


class FetchFailed(Incomplete):
    """A server could not be reached, was too slow, or sent something other than what was asked for.

    `after`: seconds for which it wants not to be asked again, if it said so.
    """

    def __init__(self, message: str, *, hint: str = "", after: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.after = after


class NotFound(FetchFailed):
    """The server says that there is no such thing."""


class SandboxUnavailable(Incomplete):
    """This machine has no working sandbox, or the one it has failed to start."""
