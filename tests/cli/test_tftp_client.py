"""The small TFTP client of `kp doctor`."""

import os
from pathlib import Path

import pytest

from kpcmd.tftp_client import Server
from kpstore.errors import NotFound, Refused
from support import tftpd


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024, 100_000])
def test_what_is_fetched_is_what_is_served(tmp_path: Path, size: int):
    data = os.urandom(size)
    (tmp_path / "menu").write_bytes(data)
    with tftpd.serving(tftpd.of(tmp_path)) as address:
        assert Server.parse(address).fetch("/menu") == data


def test_more_than_the_limit_is_not_fetched(tmp_path: Path):
    (tmp_path / "menu").write_bytes(bytes(100_000))
    with tftpd.serving(tftpd.of(tmp_path)) as address:
        assert len(Server.parse(address).fetch("/menu", 5000)) < 6000


def test_block_numbers_begin_again_after_65535(tmp_path: Path):
    data = bytes(512 * 65_540)
    (tmp_path / "initrd").write_bytes(data)
    with tftpd.serving(tftpd.of(tmp_path)) as address:
        assert Server.parse(address).fetch("/initrd") == data


def test_a_refusal_has_the_servers_words(tmp_path: Path):
    with tftpd.serving(tftpd.of(tmp_path)) as address:
        server = Server.parse(address)
        with pytest.raises(Refused, match="/menu: No such file"):
            server.fetch("/menu")


def test_nobody_there():
    with tftpd.serving(tftpd.of(Path("/"))) as address:
        gone = Server.parse(address)
    with pytest.raises(NotFound, match=f"{gone.port}"):
        Server(gone.host, gone.port, timeout=0.05).fetch("/menu")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("boot1", "boot1", 69),
        ("boot1:6969", "boot1", 6969),
        ("10.0.0.1", "10.0.0.1", 69),
        ("[::1]:70", "::1", 70),
        ("[::1]", "::1", 69),
    ],
)
def test_an_address_as_people_write_it(text: str, host: str, port: int):
    assert Server.parse(text) == Server(host, port)
