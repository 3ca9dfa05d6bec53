"""Fetching a file as a boot loader does: a TFTP read request (RFC 1350, octet)."""

import socket
import struct
from dataclasses import dataclass
from typing import Any, Final

from kpcmd.errors import WrongUsage
from kpstore.errors import NotFound, Refused

_BLOCK: Final = 512
_RRQ, _DATA, _ACK, _ERROR = 1, 3, 4, 5
_TRIES: Final = 3
_LIMIT: Final = 1 << 30
Address = tuple[Any, ...]


@dataclass(frozen=True)
class Server:
    """A TFTP server; `timeout` is seconds for one packet."""

    host: str = "127.0.0.1"
    port: int = 69
    timeout: float = 2.0

    @classmethod
    def parse(cls, text: str) -> "Server":
        """Read `HOST`, `HOST:PORT` or `[IPv6]:PORT`; WrongUsage for anything else."""
        host, colon, port = text.rpartition(":")
        is_bare = ":" in host and "[" not in host  # an IPv6 address and no port
        if not colon or text.endswith("]") or is_bare:
            return cls(text.strip("[]"))
        if not (port.isdigit() and 0 < int(port) < 1 << 16):
            raise WrongUsage(
                f"--tftp {text!r}: {port!r} is no port",
                hint="--tftp HOST, HOST:PORT or [IPv6]:PORT",
            )
        return cls(host.strip("[]"), int(port))

    def fetch(self, path: str, limit: int = _LIMIT) -> bytes:
        """Return a file's bytes, `limit` at most.

        NotFound when the server doesn't answer, Refused with its own words when it
        does not give the file.
        """
        try:
            return self._fetch(path, limit)
        except TimeoutError:
            raise NotFound(
                f"no TFTP server answers at {self.host}:{self.port}",
                hint="start it, or name it: --tftp HOST:PORT",
            ) from None
        except OSError as error:
            raise NotFound(
                f"TFTP at {self.host}:{self.port}: {error.strerror or error}",
                hint="start it, or name it: --tftp HOST:PORT",
            ) from None

    def _fetch(self, path: str, limit: int) -> bytes:
        family, _, _, _, address = socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_DGRAM
        )[0]
        request = struct.pack("!H", _RRQ) + path.encode() + b"\0octet\0"
        with socket.socket(family, socket.SOCK_DGRAM) as link:
            link.settimeout(self.timeout)
            transfer = _Transfer(link, address, path)
            return transfer.receive(request, limit)


class _Transfer:
    """One file on its way; the server answers from a port of its own."""

    def __init__(self, link: socket.socket, address: Address, path: str) -> None:
        self._link = link
        self._address = address
        self._path = path

    def receive(self, request: bytes, limit: int) -> bytes:
        found = bytearray()
        wanted, packet = 1, request
        while True:
            block, data = self._answer(packet, wanted)
            found += data
            packet = struct.pack("!HH", _ACK, block)
            wanted = (wanted + 1) & 0xFFFF
            if len(data) < _BLOCK or len(found) >= limit:
                self._link.sendto(packet, self._address)
                return bytes(found)

    def _answer(self, packet: bytes, wanted: int) -> tuple[int, bytes]:
        """Send, and wait for the block that is wanted; again when nothing comes."""
        for attempt in range(_TRIES):
            self._link.sendto(packet, self._address)
            try:
                while True:
                    answer, self._address = self._link.recvfrom(_BLOCK + 4)
                    number = self._block(answer)
                    if number == wanted:
                        return number, answer[4:]
            except TimeoutError:
                if attempt == _TRIES - 1:
                    raise
        raise TimeoutError

    def _block(self, answer: bytes) -> int:
        kind, number = struct.unpack("!HH", answer[:4])
        if kind == _ERROR:
            words = answer[4:].rstrip(b"\0").decode("utf-8", "replace")
            raise Refused(
                f"the TFTP server does not give {self._path}: {words}",
                hint="is it below the server's root, and readable by all?",
            )
        if kind != _DATA:
            raise Refused(
                f"the TFTP server answers {kind} for {self._path}",
                hint="is that a TFTP server?",
            )
        return int(number)
