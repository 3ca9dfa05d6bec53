"""A server that fails: menus fetch again, and give up in the end."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from kpstore.loaders import registry
from kpstore.loaders.ipxe import network
from kpstore.loaders.menu import LOCAL_DISK, Linux, Menu
from support import tftpd
from support.rig import guest, handmade, netboot, parts, qemu, tftp

pytestmark = pytest.mark.system

MAC = "52:54:00:12:34:56"
HYPHENATED = MAC.replace(":", "-")
TEMPLATE = "web~0123456789ab"
# What a loader asks for by itself, it asks for once; what fails is what menus fetch.
MENUS = re.compile(r"^/kp/|ipxe/01-|grub\.cfg-01-")
GRUB = (netboot.GRUB_BIOS, netboot.GRUB_UEFI)


@dataclass
class Failing:
    """Answers with a tree's files, but each of kp's only after `fails` failures.

    `dies_at`: it answers nothing any more once a path below it was asked for.
    """

    root: Path
    fails: int
    dies_at: str = ""
    failed: Counter[str] = field(default_factory=Counter)

    def __call__(self, asked: str) -> bytes:
        path = "/" + asked.lstrip("/")  # iPXE asks without it
        file = self.root / path[1:]
        dead = self.dies_at and any(self.failed)
        dying = bool(self.dies_at) and path.startswith(self.dies_at)
        meant = not self.dies_at and MENUS.search(path) and file.is_file()
        if dead or dying or (meant and self.failed[path] < self.fails):
            self.failed[path] += 1
            raise FileNotFoundError(path)
        return file.read_bytes()


@pytest.fixture
def tree(tmp_path: Path) -> handmade.Tree:
    """A node with variables, for GRUB and iPXE; unknown ones boot from their disk."""
    made = handmade.Tree(tmp_path / "tftp").create()
    boot = Linux(
        made.add_object("vmlinuz", parts.kernel().read_bytes()),
        (
            made.add_object(
                "initrd.img", guest.good_initrd("1", parts.kernel_release())
            ),
        ),
        ("panic=5", "node_id={node.index}"),
    )
    menu = Menu("web/production", boot)
    names = {"grub": "grub/grub.cfg-01-{}", "ipxe": "ipxe/01-{}.ipxe"}
    loaders = {each: registry.network(each) for each in names}
    made.add_template(
        TEMPLATE, {n: one.write_menu(menu).decode() for n, one in loaders.items()}
    )
    made.add_shard(
        "ab",
        {
            each: one.write_node(
                menu, {"index": "17"}, f"/kp/live/{TEMPLATE}/{each}"
            ).decode()
            for each, one in loaders.items()
        },
    )
    for each, name in names.items():
        made.link(name.format(HYPHENATED), f"~ab/{each}")
    made.write("grub/grub.cfg", loaders["grub"].write_menu(LOCAL_DISK).decode())
    made.write("ipxe/boot.ipxe", network.write_default("").decode())
    return made


@contextmanager
def over_tftp(answer: Failing) -> Iterator[tftp.Server]:
    address = tftp.free_loopback(69)
    with tftpd.serving(answer, address, 69):
        yield tftp.Server(address, 69, answer.root)


def start(
    answer: Failing, loader: netboot.Loader, scratch: Path, until: re.Pattern[str]
) -> qemu.Outcome:
    loader.install(answer.root)
    with over_tftp(answer) as server:
        machine = netboot.machine(loader, server, scratch, mac=MAC)
        return qemu.run(machine, scratch, until)


@pytest.mark.parametrize(
    "loader",
    [*GRUB, netboot.GRUB_READY_MADE, netboot.IPXE_BIOS, netboot.IPXE_UEFI],
    ids=lambda loader: loader.name,
)
def test_a_server_that_fails_three_times_a_file_still_boots_the_node(
    tree: handmade.Tree, loader: netboot.Loader, tmp_path: Path
) -> None:
    answer = Failing(tree.root, 3)
    outcome = start(answer, loader, tmp_path / "run", guest.END)

    assert outcome.ended == "text", outcome
    assert "node_id=17" in guest.report(outcome.console).cmdline
    objects = [path for path in answer.failed if "/objects/" in path]
    assert len(objects) == 2
    assert {answer.failed[path] for path in objects} == {3}


@pytest.mark.parametrize("dies_at", ["/kp/live/", "/kp/objects/"])
@pytest.mark.parametrize(
    "loader", [netboot.GRUB_BIOS, netboot.IPXE_BIOS], ids=lambda loader: loader.name
)
def test_one_that_answers_no_more_makes_the_machine_start_again(
    tree: handmade.Tree, loader: netboot.Loader, dies_at: str, tmp_path: Path
) -> None:
    answer = Failing(tree.root, 0, dies_at)
    outcome = start(answer, loader, tmp_path / "run", guest.END)

    assert outcome.ended == "off", outcome  # without -no-reboot: through its firmware
    assert set(answer.failed.values()) == {6}


def test_ipxe_fetches_again_over_http(tree: handmade.Tree, tmp_path: Path) -> None:
    answer = Failing(tree.root, 3)
    scratch = tmp_path / "run"
    with over_http(answer) as address, over_tftp(answer) as server:
        machine = netboot.machine(netboot.IPXE_BIOS, server, scratch, mac=MAC)
        assert machine.script
        text = machine.script.read_text()
        machine.script.write_text(
            text.replace(f"tftp://{server.address}", f"http://{address}")
        )
        outcome = qemu.run(machine, scratch, guest.END)

    assert outcome.ended == "text", outcome
    assert {count for path, count in answer.failed.items() if "/kp/" in path} == {3}


@contextmanager
def over_http(answer: Callable[[str], bytes]) -> Iterator[str]:
    """Serve over HTTP while the block runs; what fails is a 503. Gives HOST:PORT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                data, status = answer(self.path), 200
            except OSError:
                data, status = b"busy", 503
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((tftp.free_loopback(69), 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{server.server_address[0]}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
