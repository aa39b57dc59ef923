"""Where the kernel puts a core: a file, a program, a socket.

core_pattern belongs to the host. One run at a time changes it (a lock), the values from
before lie in a file, and they are put back at the end, at a signal, and by the next run
that finds the file: after a kill, too.
"""

import atexit
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import sys
import threading

LOCK = pathlib.Path("/run/lock/sealward-core-pattern.lock")
SAVED = pathlib.Path("/run/sealward-core-pattern.json")
PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")
MODES = pathlib.Path("/proc/sys/kernel/core_modes")
# A process that dumps to a program waits until that has read all, if it is one of so
# many: when the process is gone, its core is there or will never be.
PIPE_LIMIT = pathlib.Path("/proc/sys/kernel/core_pipe_limit")
# What systemd-coredump sets: processes that changed their uid are dumped to programs.
SUID_DUMPABLE = pathlib.Path("/proc/sys/fs/suid_dumpable")
SETTINGS = (PATTERN, PIPE_LIMIT, SUID_DUMPABLE)
COREDUMPS_AT_A_TIME = 16
CHUNK_BYTES = 1 << 20

# The handler tells that it was called before it reads a byte.
HANDLER = """#!/bin/sh
: >"$1/asked.$2"
exec dd of="$1/core.$2" bs=65536 iflag=fullblock conv=sparse status=none
"""


class Forbidden(Exception):
    """The machine does not let us: what needs it fails."""


def socket_sink():
    """Why this kernel has no socket to dump to, or None."""
    try:
        modes = MODES.read_text(encoding="ascii").split()
    except OSError:
        return f"this kernel has no {MODES}, which would name it"
    return None if "socket" in modes else f"this kernel's core_modes are {' '.join(modes)}"


def write_sparse(file, chunk):
    """Empty pages of a core take no room."""
    if chunk.count(0) == len(chunk):
        file.seek(len(chunk), os.SEEK_CUR)
    else:
        file.write(chunk)


class SocketSink(threading.Thread):
    """Receives cores on a socket, one connection each, into folder/core.PID."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder = folder
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.path = folder / "sink"
        self.listener.bind(str(self.path))
        self.listener.listen(COREDUMPS_AT_A_TIME)

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.receive, args=(connection,), daemon=True).start()

    def receive(self, connection):
        with connection:
            pid = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4)
            pid = int.from_bytes(pid, "little")
            (self.folder / f"asked.{pid}").touch()
            with open(self.folder / f"core.{pid}", "wb") as core:
                # Should it be longer than the socket lives: what came is scanned.
                with contextlib.suppress(ConnectionError):
                    while chunk := connection.recv(CHUNK_BYTES):
                        write_sparse(core, chunk)
                core.truncate(core.tell())

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.path.unlink(missing_ok=True)


class CorePattern:
    """The host's core settings while we have them: a context manager."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise Forbidden("core_pattern is root's: run as root")
        self._lock = open(LOCK, "a", encoding="ascii")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._restore()  # what a run that was killed left
        try:
            saved = {str(path): path.read_text(encoding="ascii").rstrip("\n")
                     for path in SETTINGS}
            SAVED.write_text(json.dumps(saved), encoding="ascii")
            PIPE_LIMIT.write_text(str(COREDUMPS_AT_A_TIME), encoding="ascii")
        except OSError as error:
            self._lock.close()
            raise Forbidden(f"this machine does not let us set where cores go: {error}") from error
        atexit.register(self._restore)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        return self

    def __exit__(self, *_):
        self._restore()
        atexit.unregister(self._restore)
        self._lock.close()

    @staticmethod
    def _restore():
        if not SAVED.exists():
            return
        for path, value in json.loads(SAVED.read_text(encoding="ascii")).items():
            pathlib.Path(path).write_text(value, encoding="ascii")
        SAVED.unlink()

    @contextlib.contextmanager
    def sink(self, kind, folder):
        """Cores go to `folder` (made here) as core.PID until the end of the block; what
        asks for one leaves asked.PID there where the kernel calls a program or us."""
        folder.mkdir()
        folder.chmod(0o1777)
        with contextlib.ExitStack() as stack:
            if kind == "file":
                pattern = f"{folder}/core.%p"
            elif kind == "pipe":
                handler = folder / "handler"
                handler.write_text(HANDLER, encoding="ascii")
                handler.chmod(0o755)
                pattern = f"|{handler} {folder} %p"
            else:
                server = SocketSink(folder)
                server.start()
                stack.callback(server.stop)
                pattern = f"@{server.path}"
            # A file is only written for a process that never changed its uid, or with 2
            # under an absolute path: the most that any machine gives.
            SUID_DUMPABLE.write_text("2", encoding="ascii")
            PATTERN.write_text(pattern, encoding="ascii")
            if PATTERN.read_text(encoding="ascii").rstrip("\n") != pattern:
                raise Forbidden(f"core_pattern is not {pattern!r} after it was set")
            yield folder


def remains(folder):
    """PIDs of which the sink has a core, or was asked for one."""
    return {int(path.name.partition(".")[2]) for path in folder.iterdir()
            if path.name.startswith(("core.", "asked."))}


def clear(folder):
    shutil.rmtree(folder, ignore_errors=True)
