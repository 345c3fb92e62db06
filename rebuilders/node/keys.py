"""A node's three keys: of its observations, its log, and its cosigner; or two, and a name that Sigstore vouches for.

For the processes that sign, and `init`, alone. A key of observations that is to replace the one in use waits beside it
until the log has it; a second one of the cosigner's is in use beside the first until that is retired
(rebuilders.node.rotation).
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from rebuilders.node.config import NodeConfig, NodeDirectory, SignerConfig, SigstoreConfig
from witness.errors import Incomplete, InputError, Malformed, Unverified
from witness.escape import printable
from witness.keyless.identity import KeylessIdentity
from witness.keys import PublicKey, parse_key
from witness.note import parse_signatures
from witness.signing import keyfile
from witness.signing.interface import CosignerSigner, Ed25519Signer, Sealer, Signer
from witness.signing.keyless import KeylessSealer, ambient_token
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners
from witness.signing.uri import open_uri, read_secret
from witness.store.directory import DirectoryStore
from witness.tlog.succession import Succession

_OBSERVATION, _LOG, _COSIGNER = _FILES = ("observation.pem", "log.pem", "cosigner.pem")
_NEXT: Final = "observation.next.pem"
_SECOND: Final = "cosigner.next.pem"
_UNFINISHED: Final = "cosigner.unfinished.pem"
_NEXT_LOG: Final = "log.next.pem"
_SUCCESSION: Final = "log.succession"
_CREATE: Final = {"ed25519": keyfile.create, "ml-dsa-44": keyfile.create_ml_dsa}


def create(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """New keys, written to the node's directory: all or none. Raises InputError if there are some already."""
    made: dict[str, keyfile.KeyFile] = {}
    try:
        for name in _needed(config):
            made[name] = keyfile.create(directory.keys / name)
    except InputError:
        _remove(directory, made)
        raise
    observation = keyless(directory, config.sigstore) if config.sigstore else made[_OBSERVATION]
    return _signers(config, observation, LogSigner(config.origin, made[_LOG]), made[_COSIGNER])


def discard(directory: NodeDirectory) -> None:
    """Removes keys that nothing was signed with yet: those of a node that could not be made."""
    _remove(directory, _FILES)


def _remove(directory: NodeDirectory, names: Iterable[str]) -> None:
    for name in names:
        (directory.keys / name).unlink(missing_ok=True)


def load(directory: NodeDirectory, config: NodeConfig, wanted: str = "") -> NodeSigners:
    """The node's keys; of those that it has for observations, the one whose text is `wanted`, or else the first.

    Raises:
        InputError: one cannot be used; and what to do.
    """
    return _signers(
        config,
        keyless(directory, config.sigstore) if config.sigstore else _observation(directory, config, wanted),
        _log(directory, config),
        *_cosigners(directory, config),
    )


def load_cosigners(directory: NodeDirectory, config: NodeConfig) -> tuple[CheckpointCosigner, ...]:
    """The cosigner's keys alone, one or two, the newest at the end. Raises InputError as `load` does."""
    return tuple(CheckpointCosigner(config.cosigner, held) for held in _cosigners(directory, config))


def _cosigners(directory: NodeDirectory, config: NodeConfig) -> Iterator[CosignerSigner]:
    if config.signer.cosigner is None:
        yield keyfile.load_cosigner(directory.keys / _COSIGNER)
    else:
        yield _remote_ed25519(directory, config.signer.cosigner)
    if (directory.keys / _SECOND).exists():
        yield keyfile.load_cosigner(directory.keys / _SECOND)


def create_second(directory: NodeDirectory, algorithm: str) -> None:
    """A second key for the cosigner, in use from now on. `algorithm` is `ed25519` or `ml-dsa-44`.

    Raises:
        InputError: there are two already, or a key of that kind cannot be made.
    """
    if (directory.keys / _SECOND).exists():
        raise InputError(
            f"{directory.keys}: the cosigner has two keys already", hint="First: rebuilder keys retire."
        )
    _remove(directory, (_UNFINISHED,))
    _CREATE[algorithm](directory.keys / _UNFINISHED)
    _rename(directory, _UNFINISHED, _SECOND)


def retire_first(directory: NodeDirectory, config: NodeConfig) -> None:
    """Puts the cosigner's second key in the place of the first, which is lost by that.

    Raises:
        InputError: there is no second one, or the first is not in a file.
        Incomplete: the disk failed.
    """
    if not (directory.keys / _SECOND).exists():
        raise InputError(
            f"{directory.keys}: the cosigner has one key",
            hint="A second: rebuilder keys rotate --cosigner ed25519.",
        )
    if config.signer.cosigner is not None:
        raise InputError(
            "node.toml: signer.cosigner: the older key is there, not in a file",
            hint="Take the table away, then retire.",
        )
    _rename(directory, _SECOND, _COSIGNER)


def open_next(directory: NodeDirectory, config: NodeConfig) -> Signer:
    """The signer that `[signer.next]` names. Raises InputError as `load` does."""
    if config.signer.next is None:
        raise InputError(
            "node.toml: no [signer.next]",
            hint="Name the new signer there, as in docs/reference/node-toml.md.",
        )
    return _open(directory, config.signer.next)


def _observation(directory: NodeDirectory, config: NodeConfig, wanted: str) -> Signer:
    named = [told for told in (config.signer.observation, config.signer.next) if told is not None]
    for told in named:
        if told.public_key == wanted:
            return _open(directory, told)
    path = directory.keys / _OBSERVATION
    if config.signer.observation is None or path.exists():
        signer = keyfile.load(path)
        if config.signer.observation is None or signer.public_key.text == wanted:
            return signer
    return _open(directory, config.signer.observation)


def _log(directory: NodeDirectory, config: NodeConfig) -> LogSigner:
    """The log's newest key, to which what its older ones signed leads."""
    succession, told = _succession(directory, config), config.signer.log
    if succession is None:
        remote = None if told is None else _remote_ed25519(directory, told)
        return LogSigner(config.origin, remote or keyfile.load_ed25519(directory.keys / _LOG))
    for path in (directory.keys / _NEXT_LOG, directory.keys / _LOG):
        if path.exists():
            signer = keyfile.load_ed25519(path)
            if signer.public_key == succession.keys[-1]:
                return LogSigner(config.origin, signer, succession)
    raise InputError(
        f"{directory.keys}: none of the log's keys is the one that {_SUCCESSION} leads to",
        hint="Restore keys/ as it was in whole.",
    )


def _succession(directory: NodeDirectory, config: NodeConfig) -> Succession | None:
    path = directory.keys / _SUCCESSION
    try:
        (line,) = parse_signatures(path.read_text("utf-8"))
        found = Succession.parse(line)
        found.after(found.first)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, Malformed, Unverified) as error:
        raise InputError(f"{path}: does not lead to the log's key: {error}", hint="Restore it.") from None
    if found.origin != config.origin:
        raise InputError(f"{path}: of the log {printable(found.origin)}", hint="Restore it.")
    return found


def create_next_log(directory: NodeDirectory) -> keyfile.KeyFile:
    """A new key for the log, which nothing leads to yet, in place of any that nothing became of."""
    _remove(directory, (_NEXT_LOG,))
    return keyfile.create(directory.keys / _NEXT_LOG)


def lead_to_next_log(directory: NodeDirectory, succession: Succession) -> None:
    """From here on the log has the next key. One step, and on disk at the end. Raises Incomplete."""
    DirectoryStore(directory.keys).put(_SUCCESSION, succession.line.line.encode())


def use_next_log(directory: NodeDirectory, config: NodeConfig) -> None:
    """Puts the log's next key in the place of the one before, which is lost by that, if it is the log's key now."""
    path, succession = directory.keys / _NEXT_LOG, _succession(directory, config)
    if (
        succession is not None
        and path.exists()
        and keyfile.load_ed25519(path).public_key == succession.keys[-1]
    ):
        _rename(directory, _NEXT_LOG, _LOG)


def _remote_ed25519(directory: NodeDirectory, told: SignerConfig) -> Ed25519Signer:
    try:
        key = PublicKey.parse(told.public_key)
    except Malformed as error:
        raise InputError(
            f"node.toml: signer: public-key: {error}",
            hint="There, logs and cosigners have Ed25519 keys alone.",
        ) from None
    return open_uri(told.uri, key, _secret(directory, told))


def _open(directory: NodeDirectory, told: SignerConfig) -> Signer:
    try:
        key = parse_key(told.public_key)
    except Malformed as error:
        raise InputError(f"node.toml: signer: public-key: {error}") from None
    return open_uri(told.uri, key, _secret(directory, told))


def _secret(directory: NodeDirectory, told: SignerConfig) -> Callable[[], str]:
    """What reads the PIN when it is asked for: it is in no variable, and in no command line, of ours."""

    def read() -> str:
        if told.pin_file:
            return read_secret(directory.root / Path(told.pin_file).expanduser())
        secret = os.environ.get(told.pin_variable, "") if told.pin_variable else ""
        if not secret:
            where = f"the variable {told.pin_variable} is empty" if told.pin_variable else "none is named"
            raise InputError(
                f"node.toml: signer: it asks for a PIN, and {where}", hint="Give pin-file or pin-variable."
            )
        return secret

    return read


@contextmanager
def alone(directory: NodeDirectory) -> Iterator[None]:
    """Waits until nobody else signs observations or changes their key. Raises InputError if it cannot."""
    path = directory.state / "keys.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{path}: cannot be locked: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def create_next(directory: NodeDirectory) -> keyfile.KeyFile:
    """A new key of observations, which is not in use yet, in place of any that nothing became of."""
    discard_next(directory)
    return keyfile.create(directory.keys / _NEXT)


def load_next(directory: NodeDirectory) -> Signer | None:
    """The key that is not in use yet, if there is one that was written in whole."""
    try:
        return keyfile.load(directory.keys / _NEXT)
    except InputError:
        return None


def discard_next(directory: NodeDirectory) -> None:
    """Removes the key that is not in use yet, which the log does not name."""
    _remove(directory, (_NEXT,))


def use_next(directory: NodeDirectory) -> None:
    """Puts the next key in the place of the one in use, which is lost by that. One step, and on disk at the end."""
    _rename(directory, _NEXT, _OBSERVATION)


def _rename(directory: NodeDirectory, source: str, target: str) -> None:
    try:
        (directory.keys / source).replace(directory.keys / target)
        descriptor = os.open(directory.keys, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Incomplete(f"{directory.keys}: cannot put the new key in use: {error.strerror}") from error


def keyless(directory: NodeDirectory, config: SigstoreConfig) -> KeylessSealer:
    """What signs in the node's name without a key. Asks nobody yet."""
    return KeylessSealer(
        KeylessIdentity(config.identity, config.issuer),
        directory.root / config.trust if config.trust else None,
        config.rekor,
        partial(token_in, config.token) if config.token else ambient_token,
    )


def token_in(variable: str) -> str:
    """The identity token in an environment variable. Raises InputError if there is none."""
    token = os.environ.get(variable, "")
    if not token:
        raise InputError(
            f"identity token: the variable {variable} is not set", hint="Set it, for this command."
        )
    return token


def _needed(config: NodeConfig) -> tuple[str, ...]:
    return (_LOG, _COSIGNER) if config.sigstore else _FILES


def _signers(
    config: NodeConfig,
    observation: Signer | Sealer,
    log: LogSigner,
    cosigner: CosignerSigner,
    second: CosignerSigner | None = None,
) -> NodeSigners:
    return NodeSigners(
        name=config.name,
        observations=observation,
        log=log,
        cosigner=CheckpointCosigner(config.cosigner, cosigner),
        second=None if second is None else CheckpointCosigner(config.cosigner, second),
    )
