"""Signs observations by Sigstore: a certificate for minutes, asked for with a token of an identity provider.

sigstore-python asks Fulcio, Rekor and time-stamping authorities, with a key that never leaves memory. It sets no limit
to how long they may take, so that is done here; and whatever it signed is verified as consumers will, before a log has
it. A signature costs an entry of Rekor, which stays there even if the log never gets to see it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from witness.errors import Incomplete, InputError, Unverified, WheelwitnessError
from witness.escape import printable
from witness.keyless import form
from witness.keyless.authority import Keyless
from witness.keyless.identity import KeylessIdentity
from witness.keyless.trust import check_installed, load_config

if TYPE_CHECKING:
    from sigstore.oidc import IdentityToken
    from sigstore.sign import Signer, SigningContext

_PATIENCE: Final = 90.0  # seconds for one signature: Rekor 2 answers when the entry is in its log
_SPARE: Final = timedelta(minutes=1)  # that a certificate must still be valid for


@dataclass(slots=True)
class KeylessSealer:
    """A `Sealer` in the name `identity`. Nothing is loaded, read or asked before the first signature.

    Args:
        identity: what certificates must say.
        trust: a client trust config; None for the public instance, whose services are looked up (TUF).
        rekor: the version of Rekor to write to.
        token: gets an identity token; raises `InputError` or `Incomplete`.
        patience: seconds for one signature.
    """

    identity: KeylessIdentity
    trust: Path | None
    rekor: int
    token: Callable[[], str] = field(repr=False)
    patience: float = _PATIENCE
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _worker: "_Worker | None" = field(default=None, init=False, repr=False)
    _opened: "tuple[SigningContext, Keyless] | None" = field(default=None, init=False, repr=False)
    _signer: "Signer | None" = field(default=None, init=False, repr=False)
    _until: datetime | None = field(default=None, init=False, repr=False)

    def seal(self, statement: bytes) -> bytes:
        """See `Sealer.seal`."""
        if self._worker is None:
            self._worker = _Worker()
        try:
            return self._worker.ask(lambda: self._seal(statement), self.patience)
        except Empty:
            self._worker, self._signer = None, None  # whatever it still waits for
            raise Incomplete(
                f"Sigstore: no signature within {self.patience:g} s",
                hint="It stays in the outbox: try again.",
            ) from None
        except WheelwitnessError:
            self._signer = None
            raise
        except Exception as error:  # noqa: BLE001 - of services, networks and half a dozen libraries
            self._signer = None
            raise Incomplete(
                f"Sigstore: not signed: {_said(error)}", hint="It stays in the outbox."
            ) from None

    def rehearse(self, *, ask: bool = True) -> str:
        """What signing would take, for people, after all has been tried that leaves no trace: instance and token.

        Unless it may `ask`, only what is on this machine.

        Raises:
            Incomplete, InputError: as `seal`.
        """
        check_installed()
        if ask or self.trust is not None:
            self._opened = self._opened or self._open()
        if ask:
            self._token()
        where = "the public instance" if self.trust is None else printable(str(self.trust))
        tried = "" if ask else "; not tried"
        return f"would sign as {printable(self.identity.text)}, with Rekor {self.rekor} of {where}{tried}"

    def _seal(self, statement: bytes) -> bytes:
        from sigstore.dsse import Statement

        context, authority = self._opened = self._opened or self._open()
        if self._signer is None or (self._until and self._until - self.clock() < _SPARE):
            self._signer = self._certified(context)
        bundle = self._signer.sign_dsse(Statement(statement))
        self._until = bundle.signing_certificate.not_valid_after_utc
        entry = form.canonical_form(bundle.to_json())
        try:
            opened = authority.open(entry, 0)
        except Unverified as error:
            raise InputError(
                f"not signed as {printable(self.identity.text)}: {error}",
                hint="Consumers would refuse it as well: mend [sigstore] in node.toml.",
            ) from None
        if opened.payload != statement:
            raise Unverified("Sigstore: another statement was signed than the one that was given")
        return entry

    def _open(self) -> "tuple[SigningContext, Keyless]":
        config = load_config(self.trust)
        from sigstore.sign import SigningContext
        from sigstore.verify import Verifier

        config.force_tlog_version = self.rekor
        try:
            context = SigningContext.from_trust_config(config)
            verifier = Verifier(trusted_root=config.trusted_root)
        except Exception as error:  # noqa: BLE001 - ValueErrors among them, of what is in a file
            where = "the public instance" if self.trust is None else printable(str(self.trust))
            raise InputError(
                f"{where}: cannot sign with Rekor {self.rekor}: {_said(error)}",
                hint="Choose another rekor, or another client trust config, in node.toml.",
            ) from None
        return context, Keyless(self.identity, verifier)

    def _certified(self, context: "SigningContext") -> "Signer":
        from sigstore.sign import Signer

        self._until = None
        return Signer(self._token(), context, cache=True)

    def _token(self) -> "IdentityToken":
        from sigstore.oidc import IdentityToken

        raw = self.token()
        try:
            token = IdentityToken(raw)
        except Exception as error:  # noqa: BLE001 - of whatever was in the variable
            raise Incomplete(f"identity token: {_said(error)}", hint="Get a new one.") from None
        if token.federated_issuer != self.identity.issuer:
            raise InputError(
                f"identity token: by {printable(token.federated_issuer)}, not by {printable(self.identity.issuer)}",
                hint="Mend issuer below [sigstore] in node.toml.",
            )
        return token


def ambient_token() -> str:
    """The token that the platform offers, as CI services do.

    Raises:
        InputError: none does.
        Incomplete: it could not be had.
    """
    from sigstore.oidc import detect_credential

    try:
        found = detect_credential()
    except Exception as error:  # noqa: BLE001 - of the platform's endpoints
        raise Incomplete(
            f"identity token: {_said(error)}", hint="May this job have one (id-token: write)?"
        ) from None
    if found is None:
        raise InputError(
            "identity token: nothing here offers one",
            hint="Publish from a CI that does, or name a variable: token, below [sigstore] in node.toml.",
        )
    return found


class _Worker:
    """One thread that calls, which its caller can stop waiting for. It does not keep the process from ending."""

    def __init__(self) -> None:
        self._inbox: SimpleQueue[tuple[Callable[[], Any], SimpleQueue[tuple[Any, Exception | None]]]] = (
            SimpleQueue()
        )
        Thread(target=self._work, daemon=True).start()

    def ask(self, call: Callable[[], bytes], seconds: float) -> bytes:
        """What `call` returns or raises. Raises queue.Empty after `seconds`."""
        answers: SimpleQueue[tuple[Any, Exception | None]] = SimpleQueue()
        self._inbox.put((call, answers))
        value, error = answers.get(timeout=seconds)
        if error is not None:
            raise error
        made: bytes = value
        return made

    def _work(self) -> None:
        while True:
            call, answers = self._inbox.get()
            try:
                answers.put((call(), None))
            except Exception as error:  # noqa: BLE001 - raised again by whoever asked
                answers.put((None, error))


def _said(error: Exception) -> str:
    """What happened, and why that did, in one line."""
    cause = error.__cause__
    told = [str(item) or type(item).__name__ for item in (error, cause) if item is not None]
    return printable(": ".join(" ".join(text.split()) for text in told), limit=300)
