"""A TFTP server for tests, on a free port: read requests of octets (RFC 1350)."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_RRQ, _DATA, _ACK, _ERROR = 1, 3, 4, 5
_BLOCK = 512
_PATIENCE = 0.05  # seconds between two looks whether the block has ended
Answer = Callable[[str], bytes]  # a path -> its bytes; FileNotFoundError refuses


def of(root: Path) -> Answer:
    """Answer with the files below a directory, as `in.tftpd -s` does."""
    return lambda path: (root / path.lstrip("/")).read_bytes()


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve while the block runs; gives HOST:PORT."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as main:
        main.bind(("127.0.0.1", 0))
        main.settimeout(_PATIENCE)
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(main, answer, ended))
        thread.start()
        try:
            yield f"127.0.0.1:{main.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def _serve(main: socket.socket, answer: Answer, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            request, client = main.recvfrom(1024)
        except TimeoutError:
            continue
        path = request[2:].split(b"\0")[0].decode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(_PATIENCE)
            try:
                _send(link, client, answer(path), ended)
            except OSError as error:
                text = (error.strerror or "no").encode()
                link.sendto(struct.pack("!HH", _ERROR, 1) + text + b"\0", client)


def _send(
    link: socket.socket, client: tuple[str, int], data: bytes, ended: threading.Event
) -> None:
    for number, at in enumerate(range(0, len(data) + 1, _BLOCK), start=1):
        block = struct.pack("!HH", _DATA, number & 0xFFFF) + data[at : at + _BLOCK]
        link.sendto(block, client)
        while not ended.is_set():
            with suppress(TimeoutError):
                if link.recv(1024) == struct.pack("!HH", _ACK, number & 0xFFFF):
                    break
