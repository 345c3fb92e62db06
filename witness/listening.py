"""One way to listen, for every server of ours."""

import socket
from typing import Final

from witness.errors import Incomplete

_BACKLOG: Final = 128


def listen(host: str, port: int, *, hint: str) -> socket.socket:
    """A socket that listens at `host`, a name or an address, and `port`, 0 for any free one.

    Raises:
        Incomplete: the address cannot be had, with `hint`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, every answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise Incomplete(f"{host}, port {port}: {error.strerror}", hint=hint) from None
    return listener
