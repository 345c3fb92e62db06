"""How the machines of a farm reach each other: an address, and the certificates without which nobody is let in.

Whoever can speak to a Dask scheduler can run code on it and on its workers. So TLS with a certificate authority of the
farm's own is the only way from machine to machine, both sides showing a certificate of it; without TLS, addresses of
this machine alone, unless somebody says otherwise.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from witness.errors import InputError

_HINT: Final = "Give ca, cert and key; docs/how-to/run-a-farm.md says how they are made."


@dataclass(frozen=True, slots=True)
class Link:
    """Args: address: tls://host:port or tcp://host:port; ca, cert, key: PEM files, for TLS."""

    address: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False

    def check(self) -> "Link":
        """Itself. Raises InputError where it would let anybody in, or cannot be used."""
        try:
            parts = urlsplit(self.address)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if host is None or port is None or parts.scheme not in ("tls", "tcp") or parts.path not in ("", "/"):
            raise InputError(
                f"{self.address!r}: not the address of a Dask scheduler", hint="Like tls://host.example:8786."
            )
        if parts.scheme == "tls":
            self._check_files()
        elif not (self.insecure or is_loopback(host)):
            raise InputError(
                f"{self.address}: without TLS, whoever reaches it can run code on every worker", hint=_HINT
            )
        return self

    def _check_files(self) -> None:
        for what, path in (("ca", self.ca), ("cert", self.cert), ("key", self.key)):
            if path is None:
                raise InputError(f"{self.address}: TLS without {what}", hint=_HINT)
            try:
                mode = path.stat().st_mode
            except OSError as error:
                raise InputError(f"{path}: {error.strerror}", hint=_HINT) from None
            if what == "key" and mode & 0o007:
                raise InputError(f"{path}: everybody on this machine can read it", hint=f"chmod 600 {path}")

    @property
    def is_tls(self) -> bool:
        return self.address.startswith("tls://")

    @property
    def files(self) -> tuple[Path, ...]:
        """That are read for it."""
        return tuple(path.absolute() for path in (self.ca, self.cert, self.key) if path is not None)

    def security(self) -> Any:
        """As `distributed` wants it. Raises InputError for files that cannot be used."""
        import ssl

        from distributed.security import Security

        if not self.is_tls:
            return Security(require_encryption=False)
        ca, cert, key = (str(path) for path in self.files)
        try:
            context = ssl.create_default_context(cafile=ca)
            context.load_cert_chain(cert, key)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"{cert}, {key}, {ca}: {error}", hint=_HINT) from None
        roles = ("client", "scheduler", "worker")
        certs = {f"tls_{role}_cert": cert for role in roles}
        keys = {f"tls_{role}_key": key for role in roles}
        return Security(require_encryption=True, tls_ca_file=ca, **certs, **keys)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
