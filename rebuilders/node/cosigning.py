"""`rebuilder cosign`: the process that holds a node's cosigner key, and no other. Runs no build.

One round asks every peer and gathers what they say of this node's log; or it listens, for logs that ask by themselves
(`add-checkpoint` of c2sp.org/tlog-witness).
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rebuilders.node import keys
from rebuilders.node.apart import run_apart, tell_error
from rebuilders.node.config import NodeConfig, NodeDirectory
from witness import listening
from witness.answering import answer_at
from witness.cosigning import (
    MAX_ADDITION,
    SIZE_TYPE,
    Addition,
    Cosigner,
    Inconsistent,
    NotSigned,
    OtherSize,
    OwnLog,
    Peer,
    Told,
    UnknownLog,
    accuse,
    check_room,
    cosign_peers,
    encode_lines,
    encode_size,
    gather,
    open_cosigner,
    own_log,
    parse_peer,
)
from witness.errors import InputError, Malformed, WheelwitnessError
from witness.store.directory import DirectoryStore

WITHHELD: Final = "cosigner-withheld"  # of a node's state: a file that says why it cosigns nobody
_PATH: Final = "/add-checkpoint"


def cosign(directory: NodeDirectory) -> Told:
    """One round with every peer of the node in `directory`.

    Raises:
        InputError: it has no peers, or something of it cannot be used.
        Incomplete, Unverified: see witness.cosigning.gather.
    """
    config = directory.load()
    peers, own = _peers(config), _own(directory, config)
    told = Told()
    cosign_peers(_cosigner(directory, config, peers), peers, own, at=_now(), told=told)
    gather(own, peers, told=told)
    return told


def cosign_apart(directory: NodeDirectory) -> dict[str, Any]:
    """The same in a process of its own: what `Told` holds, by its names. Raises as `cosign` does, and Incomplete."""
    return run_apart("rebuilders.node.cosigning", directory.root)


def listen(directory: NodeDirectory, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Answers logs until the process is asked to end. Raises Incomplete if the address cannot be had."""
    config = directory.load()
    peers, own = _peers(config), _own(directory, config)
    app = application(_cosigner(directory, config, peers), own, tell)
    with listening.listen(host, port, hint="Choose another address.") as listener:
        tell(f"cosigning {len(peers)} logs at http://{host}:{listener.getsockname()[1]}{_PATH}")
        answer_at(app, listener)


def application(cosigner: Cosigner, own: OwnLog, tell: Callable[[str], None]) -> Starlette:
    """The ASGI application that answers `add-checkpoint`."""

    async def add(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_ADDITION:
                return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return await run_in_threadpool(answer, cosigner, own, bytes(body), tell)

    return Starlette(routes=[Route(_PATH, add, methods=["POST"])])


def answer(cosigner: Cosigner, own: OwnLog, body: bytes, tell: Callable[[str], None]) -> Response:
    """The answer that c2sp.org/tlog-witness wants to a request with `body`."""
    try:
        signatures = cosigner.add(Addition.parse(body), at=_now())
    except Malformed:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    except UnknownLog:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    except NotSigned:
        return Response(status_code=HTTPStatus.FORBIDDEN)
    except OtherSize as error:
        return Response(encode_size(error.size), status_code=HTTPStatus.CONFLICT, media_type=SIZE_TYPE)
    except Inconsistent as error:
        if error.evidence is not None:
            tell(accuse(error, own))
        return Response(status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
    except WheelwitnessError as error:  # of this node's own: its disk, its state, its configuration
        tell(f"not cosigned: {error}")
        return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    return Response(encode_lines(signatures), media_type="text/plain; charset=utf-8")


def _peers(config: NodeConfig) -> tuple[Peer, ...]:
    peers = tuple(parse_peer(item.url, item.log_key, item.cosigner_keys, item.ask) for item in config.peer)
    if not peers:
        raise InputError("node.toml names no peer", hint="Add a [[peer]] for each log to be cosigned.")
    origins = [peer.log_key.name for peer in peers]
    for origin in origins:
        if origin == config.origin:
            raise InputError(f"node.toml: peer {origin} is this node itself", hint="Remove it.")
        if origins.count(origin) > 1:
            raise InputError(f"node.toml: peer {origin} is there twice", hint="Keep one of them.")
    check_room(peers)
    return peers


def _cosigner(directory: NodeDirectory, config: NodeConfig, peers: tuple[Peer, ...]) -> Cosigner:
    if (withheld := directory.state / WITHHELD).exists():
        raise InputError(
            f"{withheld}: this node was restored, and cosigns nobody", hint="The file says what to do."
        )
    held = keys.load_cosigners(directory, config)
    return open_cosigner(held, peers, directory.state / "cosigner", DirectoryStore(directory.site))


def _own(directory: NodeDirectory, config: NodeConfig) -> OwnLog:
    path = directory.site / "node.json"
    try:
        log_key = str(json.loads(path.read_bytes())["logKey"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: does not say the log's key", hint="`rebuilder init` writes it.") from None
    return own_log(log_key, config.origin, DirectoryStore(directory.site), directory.state)


def _now() -> int:
    return int(datetime.now(UTC).timestamp())


def main() -> None:
    """The entry point of the process: one round, as `rebuilders.node.apart` wants it."""
    try:
        told = cosign(NodeDirectory(Path(sys.argv[1])))
    except WheelwitnessError as error:
        tell_error(error)
    sys.stdout.write(json.dumps(asdict(told)) + "\n")


if __name__ == "__main__":
    main()
