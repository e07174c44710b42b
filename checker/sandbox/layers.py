"""The walls that a child puts up around itself before it sees a student's code, from inside.

Comes in: the names of the layers, the limits, the paths that may be read.  Goes out: nothing; afterwards the process can do little but
compute.  Why: each layer alone stops most of what hostile code can do, and a mistake in one is caught by another.

| layer | what it stops |
| --- | --- |
| bubblewrap | seeing the machine: files, network, other processes (put up by `wall.py`) |
| namespaces | seeing the server and what an earlier child left; whatever a child started ends with it |
| limits | using up memory, processor time, processes, files, descriptors |
| privileges | gaining rights: no capabilities, no set-user-id, another user than root |
| landlock | opening any file but libraries and its own folder, TCP, signals to others |
| seccomp | every system call but those that computing needs |
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import resource
import struct
import tempfile
from collections.abc import Sequence
from typing import Any

from checker.sandbox.values import Limits

_libc = ctypes.CDLL(None, use_errno=True)

# <linux/prctl.h>, <linux/sched.h>, <sys/mount.h>, <linux/capability.h>
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _DROP_BOUND, _SET_NO_NEW_PRIVILEGES, _AMBIENT, _CLEAR_ALL = 1, 4, 22, 24, 38, 47, 4
_NEW_MOUNTS, _NEW_PROCESSES = 0x0002_0000, 0x2000_0000
_NO_SET_USER_ID, _NO_DEVICES, _RECURSIVE, _PRIVATE, _DETACH = 2, 4, 0x4000, 1 << 18, 2
_CAPABILITIES_VERSION = 0x2008_0522

#: What computing needs: memory, time, threads, and files as far as Landlock lets them be opened.
_CALLS = """
    read write readv writev pread64 pwrite64 preadv pwritev close close_range lseek dup dup2 dup3 pipe pipe2 poll ppoll select pselect6
    open openat stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd chdir fadvise64
    mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 ftruncate fsync fdatasync umask statfs fstatfs flock
    mmap munmap mprotect mremap madvise brk mincore membarrier get_mempolicy
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait sigaltstack alarm setitimer getitimer restart_syscall
    futex futex_waitv set_robust_list get_robust_list rseq sched_yield sched_getaffinity getcpu
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage sysinfo uname getrandom
    getpid getppid gettid getuid geteuid getgid getegid getgroups getresuid getresgid getpgrp getpgid getsid
    exit exit_group
"""
_NEW_THREAD, _NEW_ANYTHING = 0x0001_0000, 0x7E02_0080  # CLONE_THREAD; every CLONE_NEW… flag
_TERMINAL_QUESTION, _CLOSE_ON_EXEC, _KEEP_ON_EXEC, _READABLE = 0x5401, 0x5451, 0x5450, 0x541B
_DESCRIPTOR_CALLS = (0, 1, 2, 3, 4, 1030)  # fcntl: duplicate, read and set flags
_SET_THREAD_NAME, _FILTER = 15, 2


def seccomp_program() -> bytes:
    """The allow-list as a compiled filter, made once for all children. Whatever is not on it fails with EPERM.

    Raises:
        OSError, RuntimeError: libseccomp is not there.
    """
    seccomp = _pyseccomp()
    rules = seccomp.SyscallFilter(defaction=seccomp.ERRNO(errno.EPERM))
    for name in _CALLS.split():
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        if number >= 0:  # negative: not on this processor, or newer than libseccomp
            rules.add_rule(seccomp.ALLOW, number)
    equal, masked = seccomp.EQ, seccomp.MASKED_EQ
    rules.add_rule(seccomp.ALLOW, "clone", seccomp.Arg(0, masked, _NEW_THREAD | _NEW_ANYTHING, _NEW_THREAD))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags lie in memory, where no filter can read them; glibc falls back
    rules.add_rule(seccomp.ALLOW, "prlimit64", seccomp.Arg(2, equal, 0))  # reading limits
    rules.add_rule(seccomp.ALLOW, "prctl", seccomp.Arg(0, equal, _SET_THREAD_NAME))
    for request in (_TERMINAL_QUESTION, _CLOSE_ON_EXEC, _KEEP_ON_EXEC, _READABLE):
        rules.add_rule(seccomp.ALLOW, "ioctl", seccomp.Arg(1, equal, request))
    for command in _DESCRIPTOR_CALLS:
        rules.add_rule(seccomp.ALLOW, "fcntl", seccomp.Arg(1, equal, command))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def mapped() -> int:
    """Bytes of address space of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def die_with_parent() -> None:
    """Whoever's parent ends ends too."""
    _prctl(_SET_DEATH_SIGNAL, 9)


def hide() -> None:
    """No process of this user may read this one's memory or trace it."""
    _prctl(_SET_DUMPABLE, 0)


def new_process_namespace(own: int) -> None:
    """The next child of this process is the first of a process namespace. `own` is a descriptor of this process's own namespace."""
    _check(_libc.setns(own, _NEW_PROCESSES), "setns")
    _check(_libc.unshare(_NEW_PROCESSES), "unshare")


def own_mounts(folder: str, limits: Limits) -> None:
    """Mounts that no other process sees: an empty `folder` that ends with this process, and no /proc."""
    _check(_libc.unshare(_NEW_MOUNTS), "unshare")
    _check(_libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None), "mount")
    options = f"size={limits.disk_mib}m,nr_inodes=4096,mode=0777".encode()
    _check(_libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", _NO_SET_USER_ID | _NO_DEVICES, options), "mount tmpfs")
    _check(_libc.umount2(b"/proc", _DETACH), "umount /proc")


def limit(limits: Limits, already_mapped: int) -> None:
    """What this process may use. The wall clock is the host's; processor time is limited too, should the host be gone."""
    memory = already_mapped + (limits.memory_mib << 20)
    seconds = int(limits.seconds) + 2
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits.disk_mib << 20),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_STACK, 8 << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(what, (most, most))


def drop_privileges(user: int | None) -> None:
    """No capability now or ever, and, where `user` is given, that user and group."""
    for capability in range(64):
        if _libc.prctl(_DROP_BOUND, capability, 0, 0, 0) != 0:
            break  # EINVAL after the last capability; EPERM where there is none to begin with
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        die_with_parent()  # a change of user clears it
    _prctl(_AMBIENT, _CLEAR_ALL)
    _check(_libc.capset(struct.pack("<Ii", _CAPABILITIES_VERSION, 0), bytes(24)), "capset")
    no_new_privileges()
    hide()


def no_new_privileges() -> None:
    """No program that this process starts has more rights than it has."""
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)


def landlock(readable: Sequence[str], folder: str) -> None:
    """Only `readable` may be read and only `folder` written; no TCP, no signal and no abstract socket to anyone outside.

    Raises:
        landlockpy.LandlockError: the kernel does not have it.
    """
    from landlockpy import AccessFS, Ruleset, Scope

    read, everything = AccessFS.READ_FILE | AccessFS.READ_DIR, AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.WRITE_FILE
    everything |= AccessFS.MAKE_REG | AccessFS.MAKE_DIR | AccessFS.REMOVE_FILE | AccessFS.REMOVE_DIR | AccessFS.TRUNCATE | AccessFS.REFER
    with Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL) as rules:
        for path in readable:
            rules.allow_path(path, read if os.path.isdir(path) else AccessFS.READ_FILE)
        rules.allow_path(folder, everything)
        rules.allow_path(os.devnull, AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        rules.restrict()


def filter_calls(program: bytes) -> None:
    """From now on only the system calls of `program`, the bytes of `seccomp_program`."""
    no_new_privileges()
    code = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.addressof(code))
    _prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(described))


class _Program(ctypes.Structure):
    """struct sock_fprog: how many instructions of 8 bytes, and where."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _pyseccomp() -> Any:
    """pyseccomp, which looks for libseccomp with tools that a minimal root does not have."""
    find = ctypes.util.find_library
    ctypes.util.find_library = lambda name: "libseccomp.so.2" if name == "seccomp" else find(name)
    try:
        import pyseccomp  # type: ignore[import-untyped]
    finally:
        ctypes.util.find_library = find
    return pyseccomp


def _prctl(option: int, *values: int) -> None:
    _check(_libc.prctl(option, *(ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4])), f"prctl {option}")


def _check(status: int, call: str) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
