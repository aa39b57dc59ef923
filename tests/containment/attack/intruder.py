"""What another process of the same user does to get at a process's memory. Run alone,
as that user, with its text on standard input:

  python3 - FOLDER PID…

writes FOLDER/{gcore,mem,environ,cmdline}.PID for what it got, and prints one JSON object
for each PID that says what was refused: {"pid":…,"gcore":"PTRACE_SEIZE: …",…}.
"""

import ctypes
import json
import os
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
CHUNK_BYTES = 1 << 20

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class IoVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


libc.process_vm_readv.argtypes = [ctypes.c_int, ctypes.POINTER(IoVec), ctypes.c_ulong,
                                  ctypes.POINTER(IoVec), ctypes.c_ulong, ctypes.c_ulong]
libc.process_vm_readv.restype = ctypes.c_ssize_t


def check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def regions(pid):
    """All that a process can have written to: anonymous memory, and private copies."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            span, mode, _, _, inode = line.split(maxsplit=5)[:5]
            if mode[0] == "r" and (mode[1] == "w" or inode == "0") and "[v" not in line:
                yield [int(number, 16) for number in span.split("-")]


def through_file(pid):
    memory = open(f"/proc/{pid}/mem", "rb", buffering=0)

    def read(address, size):
        return os.pread(memory.fileno(), size, address)
    return read


def through_call(pid):
    def read(address, size):
        buffer = ctypes.create_string_buffer(size)
        here, there = IoVec(ctypes.addressof(buffer), size), IoVec(address, size)
        got = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        return buffer.raw[:check(got, "process_vm_readv")]
    next(regions(pid), None)
    return read


def copy(pid, read, path):
    copied = 0
    with open(path, "wb") as out:
        for start, end in regions(pid):
            while start < end:
                size = min(CHUNK_BYTES, end - start)
                start += size
                try:
                    chunk = read(start - size, size)
                except OSError:  # a guard page, or unmapped since
                    continue
                copied += len(chunk)
                if chunk.count(0) != len(chunk):
                    out.write(chunk)
    if copied == 0:
        os.unlink(path)
        raise OSError(0, "no page could be read")


def gcore(pid, path):
    """As a debugger does: attach, stop, copy, let go."""
    check(libc.ptrace(PTRACE_SEIZE, pid, None, None), "PTRACE_SEIZE")
    try:
        check(libc.ptrace(PTRACE_INTERRUPT, pid, None, None), "PTRACE_INTERRUPT")
        os.waitpid(pid, WALL)
        copy(pid, through_file(pid), path)
    finally:
        libc.ptrace(PTRACE_DETACH, pid, None, None)


def mem(pid, path):
    """Without a debugger's rights: the file, or else the system call."""
    try:
        read = through_file(pid)
    except OSError as first:
        try:
            copy(pid, through_call(pid), path)
        except OSError as second:
            raise OSError(first.errno, f"{first}; {second}") from second
        return
    copy(pid, read, path)


def proc_file(name):
    def take(pid, path):
        with open(f"/proc/{pid}/{name}", "rb") as file, open(path, "wb") as out:
            out.write(file.read())
    return take


ATTACKS = {"gcore": gcore, "mem": mem, "environ": proc_file("environ"),
           "cmdline": proc_file("cmdline")}


def main():
    folder = sys.argv[1]
    for pid in map(int, sys.argv[2:]):
        refused = {"pid": pid}
        for name, attack in ATTACKS.items():
            try:
                attack(pid, f"{folder}/{name}.{pid}")
            except OSError as error:
                refused[name] = str(error)
        print(json.dumps(refused), flush=True)


if __name__ == "__main__":
    main()
