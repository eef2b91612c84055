"""
Run a command as a unit of systemd confines it, as far as a process can do that to itself: no new rights, no
memory that is both written and run, the system calls and the address families that the unit allows.

    python confined.py UNIT COMMAND…

Needs libseccomp and systemd-analyze, which says what the groups of system calls are.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1  # linux/prctl.h
ALLOW, ERRNO = 0x7FFF0000, 0x00050000  # seccomp.h: SCMP_ACT_ALLOW, SCMP_ACT_ERRNO
NO_CALL, NOT_EQUAL, EQUAL = -1, 1, 4  # seccomp.h: __NR_SCMP_ERROR, SCMP_CMP_NE, SCMP_CMP_EQ


class Comparison(ctypes.Structure):
    """seccomp.h: struct scmp_arg_cmp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def values(unit: Path, key: str) -> list[str]:
    """The values that the unit gives to *key*, in their order."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2].strip() for line in lines if line.startswith(f"{key}=")]


@cache
def calls_of(group: str) -> frozenset[str]:
    """The system calls of a group such as @system-service, or the one of that name."""
    if not group.startswith("@"):
        return frozenset({group})
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    )
    lines = [line.strip() for line in said.stdout.splitlines()[1:]]
    return frozenset(
        call for one in lines if one and not one.startswith("#") for call in calls_of(one.lstrip("* "))
    )


def allowed_calls(unit: Path) -> set[str]:
    """The system calls that are left by the unit's filters, read in their order."""
    found: set[str] = set(calls_of("@default"))
    for line in values(unit, "SystemCallFilter"):
        named = {call for word in line.lstrip("~").split() for call in calls_of(word)}
        found = found - named if line.startswith("~") else found | named
    return found


def confine(unit: Path) -> None:
    """Confine this process and all that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    if values(unit, "MemoryDenyWriteExecute") == ["yes"]:
        _done(libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    filters = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(ERRNO | errno.EPERM)))

    def allow(name: str, *comparisons: Comparison) -> None:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number != NO_CALL:
            array = (Comparison * len(comparisons))(*comparisons)
            _done(seccomp.seccomp_rule_add_array(filters, ALLOW, number, len(comparisons), array))

    for call in allowed_calls(unit) - {"socket"}:
        allow(call)
    for family in " ".join(values(unit, "RestrictAddressFamilies")).split():
        allow("socket", Comparison(0, EQUAL, getattr(socket, family), 0))
    _done(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _done(seccomp.seccomp_load(filters))


def _done(result: int) -> None:
    if result:
        raise OSError(f"{result}, errno {ctypes.get_errno()}")


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
