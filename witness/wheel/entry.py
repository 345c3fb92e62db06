"""The records of a ZIP file (PKWARE APPNOTE 6.3), and what is noted about one that readers may see differently."""

import stat
import struct
from dataclasses import dataclass
from typing import Final

STORED: Final = 0
DEFLATED: Final = 8

LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
CENTRAL: Final = struct.Struct("<4sHHHHHHLLLHHHHHLL")
END: Final = struct.Struct("<4sHHHHLLH")
LOCAL_MAGIC: Final = b"PK\x03\x04"
CENTRAL_MAGIC: Final = b"PK\x01\x02"
END_MAGIC: Final = b"PK\x05\x06"
DESCRIPTOR_MAGIC: Final = b"PK\x07\x08"

ENCRYPTED: Final = 0x0001
DESCRIPTOR: Final = 0x0008
UTF8: Final = 0x0800
UNIX: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What a file gets wrong: `path` is a member's name, or empty for the file as a whole; `kind` is documented."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One member, by its central header. Offsets and sizes are bytes; `date_time` is the raw DOS pair."""

    name: str
    raw_name: bytes
    made_by: int
    version: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed_size: int
    size: int
    extra: bytes
    local_extra: bytes
    comment: bytes
    disk: int
    internal: int
    external: int
    offset: int
    data_offset: int

    @property
    def is_dir(self) -> bool:
        return self.name.endswith("/")

    @property
    def mode(self) -> int:
        """The Unix mode, type bits included; 0 where the archive does not say."""
        return self.external >> 16

    @property
    def executable(self) -> bool:
        """Whether some installer would set an exec bit."""
        return not self.is_dir and bool(self.mode & 0o111)

    @property
    def surely_executable(self) -> bool:
        """Whether every installer would: pip asks for S_IFREG, uv for an archive made on Unix."""
        return self.executable and stat.S_ISREG(self.mode) and self.made_by >> 8 == UNIX

    @property
    def moment(self) -> tuple[int, int, int, int, int, int]:
        """Year, month, day, hour, minute, second as written: no zone, steps of two seconds."""
        date, time = self.date, self.time
        return (
            (date >> 9) + 1980, (date >> 5) & 15, date & 31,
            time >> 11, (time >> 5) & 63, (time & 31) * 2,
        )  # fmt: skip
