"""A destination in object storage: S3 and what speaks its protocol, Google Cloud Storage, and Azure, by obstore.

A put is atomic there: readers get the object before or the one after. No put is in several parts, so nothing is left
behind by one that was interrupted, and the entity tag of S3 is the MD5 of what is stored, unless the bucket encrypts
with a key of its own.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from rebuilders.destinations.interface import Held, Item
from rebuilders.destinations.together import for_each
from rebuilders.destinations.walk import is_path
from rebuilders.serving import served
from witness.errors import FetchFailed, Incomplete, InputError, NotFound
from witness.escape import printable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# The environment variables that say who may write, and where, by the scheme of the URL.
VARIABLES: Final = {
    "s3": (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_SERVER_SIDE_ENCRYPTION",
    ),
    "gs": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
    "az": (
        "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE",
    ),
}  # fmt: skip
_UNDER_WAY: Final = 16  # requests
_LISTED: Final = 1000  # objects in one answer
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_LEVEL: Final = 6


class ObjectDestination:
    """Objects in a bucket, below a prefix. With `gzipped`, lookup files are stored compressed, as every client of HTTP
    can read them that names `gzip` in Accept-Encoding, and no other.
    """

    at_once = 512

    def __init__(self, store: "ObjectStore", name: str, *, gzipped: bool = False) -> None:
        self._store = store
        self._name = name
        self._gzipped = gzipped
        self._pool = ThreadPoolExecutor(_UNDER_WAY)

    def get(self, path: str, *, limit: int) -> bytes:
        """See `Destination.get`."""
        with self._failing(path):
            found = self._store.get(path)
            packed = found.attributes.get("Content-Encoding") == "gzip"
            most = limit + limit // 100 + 100 if packed else limit  # what cannot be compressed grows a little
            data = bytearray()
            for chunk in found.stream():
                data += bytes(chunk)
                if len(data) > most:
                    raise FetchFailed(f"{self._name}/{path}: more than the {limit} bytes allowed")
        if not packed:
            return bytes(data)
        return self._unpacked(path, bytes(data), limit)

    def held(self) -> Iterator[Held]:
        """See `Destination.held`."""
        with self._failing(""):
            for portion in self._store.list(chunk_size=_LISTED):
                for found in portion:
                    tag = (found["e_tag"] or "").strip('"')
                    if is_path(found["path"]):
                        yield Held(found["path"], tag if _MD5.fullmatch(tag) else "")

    def fingerprint(self, item: Item) -> str:
        """See `Destination.fingerprint`."""
        return hashlib.md5(self._stored(item), usedforsecurity=False).hexdigest()

    def send(self, items: Sequence[Item]) -> None:
        """See `Destination.send`."""
        for_each(self._pool, self._put, items)

    def delete(self, paths: Sequence[str]) -> None:
        """See `Destination.delete`."""
        for_each(self._pool, self._delete, paths)

    def tidy(self) -> None:
        """See `Destination.tidy`."""

    def close(self) -> None:
        """See `Destination.close`."""
        self._pool.shutdown(cancel_futures=True)

    def _put(self, item: Item) -> None:
        how = served(item.path)
        attributes: dict[str, str] = {"Content-Type": how.content_type, "Cache-Control": how.cache_control}
        if self._is_packed(item.path):
            attributes["Content-Encoding"] = "gzip"
        with self._failing(item.path):
            self._store.put(item.path, self._stored(item), attributes=attributes, use_multipart=False)

    def _delete(self, path: str) -> None:
        with suppress(NotFound), self._failing(path):
            self._store.delete(path)

    def _stored(self, item: Item) -> bytes:
        if not self._is_packed(item.path):
            return item.data
        return gzip.compress(item.data, _LEVEL, mtime=0)  # the same bytes each time

    def _is_packed(self, path: str) -> bool:
        return self._gzipped and served(path).compressed

    def _unpacked(self, path: str, data: bytes, limit: int) -> bytes:
        import zlib

        try:
            unpacker = zlib.decompressobj(wbits=31)
            unpacked = unpacker.decompress(data, limit + 1)
        except zlib.error as error:
            raise FetchFailed(f"{self._name}/{path}: {error}") from None
        if len(unpacked) > limit:
            raise FetchFailed(f"{self._name}/{path}: more than the {limit} bytes allowed")
        if not unpacker.eof:
            raise FetchFailed(f"{self._name}/{path}: cut off")
        return unpacked

    @contextmanager
    def _failing(self, path: str) -> Iterator[None]:
        from obstore import exceptions

        where = f"{self._name}/{path}"
        try:
            yield
        except (exceptions.NotFoundError, FileNotFoundError) as error:
            if "NoSuchBucket" in str(error):
                raise InputError(f"{self._name}: no such bucket", hint="Make it first.") from None
            raise NotFound(f"{where}: no such object") from None
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise InputError(
                f"{where}: access refused: {_short(error)}",
                hint="See docs/how-to/host-a-site.md for the variables with the credentials.",
            ) from None
        except (exceptions.BaseError, OSError) as error:
            raise Incomplete(f"{where}: {_short(error)}") from None


def open_objects(
    url: str,
    variables: Mapping[str, str],
    *,
    endpoint: str = "",
    region: str = "",
    gzipped: bool = False,
    retries: int = 8,
) -> ObjectDestination:
    """The destination at `url`, such as `s3://bucket/prefix`.

    Args:
        url: of a scheme in `VARIABLES`.
        variables: the values of some of those.
        endpoint: where a service that speaks S3 is, if it is not the one that the name is from.
        region: the bucket's.
        gzipped: see `ObjectDestination`.
        retries: of a request that failed in passing.

    Raises:
        InputError: obstore is not installed, or cannot use what is given.
    """
    try:
        from obstore import exceptions
        from obstore.store import from_url
    except ImportError:
        raise InputError(f"{url}: object storage needs obstore", hint="Install wheelwitness[s3].") from None
    options: dict[str, Any] = {name.lower(): value for name, value in variables.items()}
    if endpoint:
        options["aws_endpoint_url"] = endpoint
    if region:
        options["aws_region"] = region
    address = options.get("aws_endpoint_url", "")
    client = {"timeout": "60s", "connect_timeout": "10s"}
    if address.startswith("http://"):
        client["allow_http"] = "true"
    retry = {"max_retries": retries, "retry_timeout": timedelta(seconds=90)}
    try:
        store = from_url(url, config=options or None, client_options=client, retry_config=retry)  # type: ignore[call-overload]
    except (exceptions.BaseError, ValueError, TypeError) as error:
        raise InputError(f"{url}: {_short(error)}") from None
    return ObjectDestination(store, f"{urlsplit(url).scheme}://{urlsplit(url).netloc}", gzipped=gzipped)


def _short(error: Exception) -> str:
    """The first line of what the library says, which may have a server's answer in it."""
    return printable(str(error).strip().partition("\n")[0], limit=300)
