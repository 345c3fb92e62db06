"""Reads a policy's file, and edits it as its owner would: comments and order stay, and what comes of it is read before
it is written.

tomlkit is loaded here alone, and only where a policy is edited.
"""

import os
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from witness import policy
from witness.digest import sha256_hex
from witness.errors import InputError
from witness.escape import printable
from witness.limits import MAX_POLICY
from witness.verification import WitnessIdentity

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

TEMPLATE = """\
# Whom to believe about the wheels that you install, and how many of them must agree.
# Every key is in docs/reference/policy.md. `wheelwitness policy lint` says what is unwise here.
version = 1

# How many distinct operators must agree. One operator has one vote, however many nodes it runs.
threshold = 2

# Levels that count as agreement. `bitwise`: the same file. `archive`: the same members, zipped otherwise.
# `metadata` and `content` allow for named differences; `static` also for checks that build nothing.
accept = ["bitwise", "archive"]

# This many trusted operators that found it to differ are enough to stop.
veto = 1

# How old a match may be. A mismatch does not age.
max-age-days = 400

# How many other operators must have cosigned a witness's log, so that it cannot show you a log of your own.
# It takes witnesses that cosign each other; raise it when yours do.
cosigners = 0

# At what `check` stops. Begin with evidence against a file alone, if most of yours have no evidence yet:
# fail-on = ["divergent", "disputed", "bad-signature"]

# Witnesses: `wheelwitness trust add https://node.example/` writes them here, after you have looked at their keys.

# Projects that nobody need vouch for:
# [[exempt]]
# package = "internal-thing"
# reason = "built in house"
# expires = 2027-06-01
"""


def read(path: Path) -> str:
    """The text of the policy at `path`. Raises InputError."""
    try:
        return read_file(path)[0]
    except FileNotFoundError:
        shown = printable(str(path))
        hint = f"Begin one: wheelwitness policy init {shown}"
        raise InputError(f"no policy: {shown} does not exist", hint=hint) from None


def read_file(path: Path) -> tuple[str, str]:
    """The whole text of a policy's file, and its SHA-256. Raises InputError, and FileNotFoundError."""
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_POLICY + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}", hint="A policy is a TOML file.") from None
    if len(data) > MAX_POLICY:
        raise InputError(f"{shown}: larger than any policy", hint="Is this the right file?")
    try:
        return data.decode("utf-8"), sha256_hex(data)
    except UnicodeDecodeError:
        raise InputError(f"{shown}: not UTF-8", hint="Save the policy as UTF-8.") from None


def create(path: Path) -> None:
    """Writes the template to `path`, where nothing may be yet. Raises InputError."""
    shown = printable(str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise InputError(f"{shown}: is there already", hint="Edit it, or choose another file.") from None
    except OSError as error:
        raise InputError(f"{shown}: cannot be written: {error.strerror}") from None


def with_witness(text: str, identity: WitnessIdentity, url: str, *, name: str) -> str:
    """`text` with a table for a witness behind the others. `name` is the policy's file, for messages.

    Raises:
        InputError: `text` is no policy, or would be none then.
    """
    import tomlkit

    document = _document(text, name)
    table = tomlkit.table()
    table["name"], table["operator"], table["url"] = identity.name, identity.operator, url
    table["log-key"] = identity.log_key.text
    if identity.sigstore is None:
        table["keys"] = [key.text for key in identity.keys]
    else:
        signer = tomlkit.inline_table()
        signer["identity"], signer["issuer"] = identity.sigstore.name, identity.sigstore.issuer
        table["sigstore"] = signer
    if identity.cosigner_key is not None:
        table["cosigner-key"] = identity.cosigner_key.text
    witnesses: Any = document.get("witness")
    if witnesses is None:
        witnesses = tomlkit.aot()
        witnesses.append(table)
        document.append("witness", witnesses)
    else:
        witnesses.append(table)
    return _checked(document, text, name)


def without_witness(text: str, witness: str, *, name: str) -> str:
    """`text` without the table of the witness called `witness`. Raises InputError: there is none, or as above."""
    document = _document(text, name)
    witnesses: Any = document.get("witness", [])
    places = [place for place, item in enumerate(witnesses) if item.get("name") == witness]
    if not places:
        known = ", ".join(printable(str(item.get("name"))) for item in witnesses) or "nobody"
        raise InputError(f"{name}: does not name {printable(witness)}", hint=f"It names {known}.")
    del witnesses[places[0]]
    if not witnesses:
        del document["witness"]
    return _checked(document, text, name)


def unmet(text: str, *, name: str) -> str:
    """Why the policy in `text` cannot be used yet, in one line; nothing if it can."""
    try:
        policy.parse(text, name=name)
    except InputError as error:
        return str(error)
    return ""


def write(path: Path, text: str) -> None:
    """Puts `text` into the place of the policy at `path`, all or nothing. Raises InputError."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777
        descriptor, temporary = tempfile.mkstemp(prefix=".policy-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            Path(temporary).chmod(mode)
            Path(temporary).replace(target)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{printable(str(path))}: cannot be written: {error.strerror}") from None


def _document(text: str, name: str) -> "TOMLDocument":
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import AoT

    try:
        tomllib.loads(text)  # what policies are read by says what is wrong with them
        document = tomlkit.parse(text)
    except (tomllib.TOMLDecodeError, TOMLKitError, RecursionError) as error:
        raise InputError(f"{name}: not valid TOML: {error}", hint="Mend the line it names.") from None
    if not isinstance(document.get("witness", tomlkit.aot()), AoT):
        raise InputError(f"{name}: witness: not a list of tables", hint="Write [[witness]], once for each.")
    return document


def _checked(document: "TOMLDocument", before: str, name: str) -> str:
    """The text of `document`, which differs from `before` by its witnesses alone.

    Raises:
        InputError: nothing but more witnesses could make a policy of it.
    """
    import tomlkit

    text = tomlkit.dumps(document)
    value, former = tomllib.loads(text), tomllib.loads(before)
    if {**value, "witness": None} != {**former, "witness": None}:
        raise InputError(f"{name}: cannot be edited without changing more", hint="Edit it by hand.")
    if value.get("witness"):
        # What asks for more witnesses than there are yet is no reason to refuse the first of them.
        alone = {**value, "threshold": 1, "veto": 1, "cosigners": 0}
        for key in ("diversity", "cosigner-quorum"):
            alone.pop(key, None)
        policy.parse(tomlkit.dumps(alone), name=name)
    return text
