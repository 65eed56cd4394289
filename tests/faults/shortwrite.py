#!/usr/bin/env python3
"""Runs a command and makes one write of its own process a short one: half the bytes, as a kernel may do at any time.

    shortwrite.py CALL NTH COMMAND...

strace can make a call fail, but not do half of it; this sets the length before the kernel sees the call. x86-64 alone.
"""

import ctypes
import os
import platform
import signal
import sys

TRACEME, CONT, SYSCALL, SETOPTIONS, PEEKUSER, POKEUSER = 0, 7, 24, 0x4200, 3, 6
TRACESYSGOOD, EXITKILL = 1, 0x100000
RDX, ORIG_RAX = 96, 120
NUMBERS = {"write": 1, "pwrite64": 18}


def short_write(call, nth):
    return [sys.executable, os.path.abspath(__file__), call, str(nth)]


def ptrace(request, pid, at=0, value=0):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    return libc.ptrace(request, pid, at, value)


def main():
    number, nth, argv = NUMBERS[sys.argv[1]], int(sys.argv[2]), sys.argv[3:]
    if platform.machine() != "x86_64":
        os.execvp(argv[0], argv)
    pid = os.fork()
    if pid == 0:
        ptrace(TRACEME, 0)
        os.execvp(argv[0], argv)
    os.waitpid(pid, 0)
    ptrace(SETOPTIONS, pid, 0, TRACESYSGOOD | EXITKILL)
    seen, entering, deliver = 0, True, 0
    while True:
        ptrace(SYSCALL if seen < nth else CONT, pid, 0, deliver)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))
        if os.WIFSIGNALED(status):
            os.kill(os.getpid(), os.WTERMSIG(status))
        deliver = 0
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            deliver = 0 if os.WSTOPSIG(status) == signal.SIGTRAP else os.WSTOPSIG(status)
            continue
        if entering and ptrace(PEEKUSER, pid, ORIG_RAX) == number:
            seen += 1
            length = ptrace(PEEKUSER, pid, RDX)
            if seen == nth and length > 1:
                ptrace(POKEUSER, pid, RDX, length // 2)
        entering = not entering


if __name__ == "__main__":
    main()
