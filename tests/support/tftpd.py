"""A TFTP server for tests: read requests of octets (RFC 1350), with blocks and a size
as they are asked for (RFC 2347 to 2349), without which GRUB reads nothing.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_RRQ, _DATA, _ACK, _ERROR, _OACK = 1, 3, 4, 5, 6
_BLOCK = 512
_PATIENCE = 0.05  # seconds between two looks whether the block has ended
_RESENT, _LOOKS = 20, 600  # looks: until a packet is sent again, until nobody is there
Answer = Callable[[str], bytes]  # a path -> its bytes; FileNotFoundError refuses


def of(root: Path) -> Answer:
    """Answer with the files below a directory, as `in.tftpd -s` does."""
    return lambda path: (root / path.lstrip("/")).read_bytes()


@contextmanager
def serving(answer: Answer, address: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve while the block runs; gives HOST:PORT. Port 0: a free one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as main:
        main.bind((address, port))
        main.settimeout(_PATIENCE)
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(main, answer, ended))
        thread.start()
        try:
            yield f"{address}:{main.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def _serve(main: socket.socket, answer: Answer, ended: threading.Event) -> None:
    # Each by itself: GRUB goes away from what it only looked for.
    transfers: list[threading.Thread] = []
    while not ended.is_set():
        try:
            request, client = main.recvfrom(1024)
        except TimeoutError:
            continue
        transfers.append(
            threading.Thread(
                target=_transfer, args=(main, request, client, answer, ended)
            )
        )
        transfers[-1].start()
    for each in transfers:
        each.join()


def _transfer(
    main: socket.socket,
    request: bytes,
    client: tuple[str, int],
    answer: Answer,
    ended: threading.Event,
) -> None:
    path, _, *options = request[2:].rstrip(b"\0").decode().split("\0")
    asked = dict(zip(options[::2], options[1::2], strict=False))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind((main.getsockname()[0], 0))
        link.settimeout(_PATIENCE)
        try:
            _send(link, client, answer(path), asked, ended)
        except OSError as error:
            text = (error.strerror or "no").encode()
            link.sendto(struct.pack("!HH", _ERROR, 1) + text + b"\0", client)


def _send(
    link: socket.socket,
    client: tuple[str, int],
    data: bytes,
    asked: dict[str, str],
    ended: threading.Event,
) -> None:
    block = int(asked.get("blksize", _BLOCK))
    agreed = {"blksize": block, "tsize": len(data)}
    said = [f"{name}\0{agreed[name]}\0" for name in asked if name in agreed]
    packets = [struct.pack("!H", _OACK) + "".join(said).encode()] if said else []
    first = 0 if said else 1
    packets += [
        struct.pack("!HH", _DATA, number & 0xFFFF) + data[at : at + block]
        for number, at in enumerate(range(0, len(data) + 1, block), start=1)
    ]
    for number, packet in enumerate(packets, start=first):
        link.sendto(packet, client)
        looks = 0
        while not ended.is_set() and looks < _LOOKS:
            try:
                answer = link.recv(1024)
            except TimeoutError:
                looks += 1
                if looks % _RESENT == 0:
                    link.sendto(packet, client)
                continue
            if answer == struct.pack("!HH", _ACK, number & 0xFFFF):
                break
            if answer[:2] == struct.pack("!H", _ERROR):  # it has seen enough
                return
        else:
            return
