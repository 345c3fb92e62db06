"""The system calls that a build has no business with, as a classic BPF program for `bwrap --seccomp`.

A deny-list, because builds of all kinds must work: the kernel's keyrings (which namespaces do not separate), new
namespaces, mounting, tracing, memory that no limit counts, and interfaces with a history of holes. Denied calls fail
with EPERM; clone3, whose flags a filter cannot see, with ENOSYS, upon which C libraries fall back to clone. Sockets
are of four families only: a network namespace does not separate all others, such as AF_VSOCK, by which a virtual
machine reaches its host.
"""

import errno
import platform
import socket
import struct
from typing import Final

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_KILL: Final = 0x80000000
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # struct seccomp_data, little-endian
_NEW_NAMESPACES: Final = 0x7E020080  # CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET}
_X32_BIT: Final = 0x40000000
_FAMILIES: Final = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)

# name: (x86_64, aarch64), from the kernel's tables
_DENIED: Final[dict[str, tuple[int, int]]] = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "delete_module": (176, 106),
    "finit_module": (313, 273), "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430),
    "fspick": (433, 433), "init_module": (175, 105), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "io_uring_setup": (425, 425), "kexec_file_load": (320, 294),
    "kexec_load": (246, 104), "keyctl": (250, 219), "lookup_dcookie": (212, 18), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "mount": (165, 40), "mount_setattr": (442, 442),
    "move_mount": (429, 429), "move_pages": (279, 239), "msgget": (68, 186), "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438), "pivot_root": (155, 41), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60), "reboot": (169, 142),
    "request_key": (249, 218), "semget": (64, 190), "shmget": (29, 194),
    "setns": (308, 268), "swapoff": (168, 225), "swapon": (167, 224),
    "syslog": (103, 116), "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282),
}  # fmt: skip
_CLONE: Final = (56, 220)
_SOCKETS: Final = ((41, 198), (53, 199))  # socket, socketpair
_CLONE3: Final = (435, 435)
_ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def program(machine: str = "") -> bytes | None:
    """The filter for `machine` (this one, if empty), or None where its system call numbers are not known here."""
    known = _ARCHITECTURES.get(machine or platform.machine())
    if known is None:
        return None
    column, audit_arch = known
    code = [_op(_LOAD, _ARCH_AT), _op(_EQUAL, audit_arch, 1, 0), _op(_RETURN, _KILL), _op(_LOAD, _NUMBER_AT)]
    if column == 0:
        code += [_op(_AT_LEAST, _X32_BIT, 0, 1), _op(_RETURN, _KILL)]
    code += [_op(_EQUAL, _CLONE3[column], 0, 1), _op(_RETURN, _ERRNO | errno.ENOSYS)]
    for numbers in sorted(_DENIED.values()):
        code += [_op(_EQUAL, numbers[column], 0, 1), _op(_RETURN, _ERRNO | errno.EPERM)]
    allowed = [_op(_EQUAL, family, len(_FAMILIES) - at, 0) for at, family in enumerate(_FAMILIES)]
    for numbers in _SOCKETS:
        code += [_op(_EQUAL, numbers[column], 0, len(allowed) + 3), _op(_LOAD, _FIRST_ARGUMENT_AT), *allowed]
        code += [_op(_RETURN, _ERRNO | errno.EAFNOSUPPORT), _op(_RETURN, _ALLOW)]
    code += [
        _op(_EQUAL, _CLONE[column], 0, 3),
        _op(_LOAD, _FIRST_ARGUMENT_AT),
        _op(_ANY_BIT, _NEW_NAMESPACES, 0, 1),
        _op(_RETURN, _ERRNO | errno.EPERM),
        _op(_RETURN, _ALLOW),
    ]
    return b"".join(code)


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One `struct sock_filter`. Jumps are counted in instructions to skip."""
    return struct.pack("<HBBI", code, if_true, if_false, value)
