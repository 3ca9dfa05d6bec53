"""A real in.tftpd for tests, and a small client that fetches from it.

The daemon runs as sites run it: standing alone and chrooted (`-L -s ROOT`), so a
link that leaves the root or a file that others may not read fails here too.
"""

import contextlib
import errno
import os
import random
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.rig import parts

_RRQ, _DATA, _ACK, _ERROR, _OACK = 1, 3, 4, 5, 6
NOT_FOUND = 1


class TftpError(Exception):
    """The server answered with an error packet (code: RFC 1350, section 5)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"TFTP error {code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Server:
    """Where a daemon listens, and the folder that it serves."""

    address: str
    port: int
    root: Path


@contextlib.contextmanager
def serve(root: Path, address: str = "", port: int = 69) -> Iterator[Server]:
    """Run in.tftpd over `root` while the block runs; needs root.

    With no address it takes a free one of 127.0.0.0/8, so that every daemon has
    the standard port (GRUB knows no other) and many can run side by side.
    """
    server = Server(address or free_loopback(port), port, root)
    listen = f"{server.address}:{server.port}"
    argv = [str(parts.IN_TFTPD.path), "-L", "-s", str(root), "--address", listen]
    daemon = subprocess.Popen(argv, start_new_session=True)
    try:
        _wait_until_it_answers(server, daemon)
        yield server
    finally:
        # Each transfer is a child of its own: the whole group has to go.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGTERM)
        daemon.wait()


def fetch(
    server: Server, path: str, *, block_size: int = 1428, timeout: float = 60
) -> bytes:
    """One file by TFTP in octet mode; raises TftpError or TimeoutError.

    `timeout` is in seconds and for each block; nothing is sent twice, as nothing
    is lost on the loopback interface.
    """
    options = f"octet\0blksize\0{block_size}\0".encode()
    request = struct.pack("!H", _RRQ) + path.encode() + b"\0" + options
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(timeout)
        wire.sendto(request, (server.address, server.port))
        return b"".join(_blocks(wire, block_size))


def _blocks(wire: socket.socket, block_size: int) -> Iterator[bytes]:
    last = False
    while not last:
        packet, sender = wire.recvfrom(block_size + 64)
        kind, number = struct.unpack_from("!HH", packet)
        if kind == _ERROR:
            raise TftpError(number, packet[4:].rstrip(b"\0").decode())
        if kind == _OACK:
            number = 0
        elif kind == _DATA:
            last = len(packet) < block_size + 4
            yield packet[4:]
        else:
            raise TftpError(0, f"unexpected packet {packet[:16]!r}")
        wire.sendto(struct.pack("!HH", _ACK, number), sender)


def _wait_until_it_answers(server: Server, daemon: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if daemon.poll() is not None:
            raise AssertionError(f"in.tftpd ended with {daemon.returncode}: {server}")
        try:
            fetch(server, "no-such-file", timeout=0.1)
        except TftpError:
            return
        except (TimeoutError, ConnectionRefusedError):
            continue
    raise AssertionError(f"in.tftpd does not answer: {server}")


def free_loopback(port: int) -> str:
    """Return an address of 127.0.0.0/8 that has a UDP port free."""
    for _ in range(100):
        address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.1"
        if _is_free(address, port):
            return address
    raise AssertionError(f"no loopback address has UDP port {port} free")


def _is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
