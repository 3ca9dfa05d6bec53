"""How keys behave: who reads them decides what a key means that is said twice.

Tables are numbered and all kept: which one counts is a site's `params_table`, so that
no newer kp changes a line by itself. This is table 2; table 1 is `single`.
"""

from typing import Final, Literal, NamedTuple

Kind = Literal["replace", "append", "together"]

_LINUX: Final = "Linux, Documentation/admin-guide/kernel-parameters.txt"
_DRACUT: Final = "dracut.cmdline(7)"
_SYSTEMD: Final = "systemd, kernel-command-line(7)"
_ANACONDA: Final = "Anaconda, Boot Options"


class Row(NamedTuple):
    """Keys of one kind, and the page or code that says so.

    A key that ends in `*` stands for all that begin so. The keys of a `together` row
    are one set. `last_rules`: of an `append` key, the last one said has a meaning of
    its own.
    """

    kind: Kind
    keys: tuple[str, ...]
    source: str
    last_rules: bool = False


ANY_OTHER: Final = Row(
    "replace", (), "no row names it: the last one counts, as of most keys"
)

ROWS: Final = (
    # --- replace: the last one counts, or all of them are one value
    Row(
        "replace",
        (
            "root",
            "rootflags",
            "rootfstype",
            "rootdelay",
            "init",
            "rdinit",
            "resume",
            "panic",
            "mitigations",
            "isolcpus",
            "nohz_full",
            "rcu_nocbs",
            "module_blacklist",
            "loglevel",
            "mem",
            "maxcpus",
            "nfsroot",
        ),
        f"{_LINUX}: one value each",
    ),
    Row(
        "replace",
        ("crashkernel",),
        "Linux, Documentation/admin-guide/kdump/kdump.rst: X,high and Y,low are one "
        "reservation",
    ),
    Row(
        "replace",
        ("ip",),
        f"{_LINUX} (ip=), {_DRACUT}: all of them are the machine's one set-up",
    ),
    Row(
        "replace",
        ("systemd.unit", "rd.systemd.unit", "systemd.machine_id", "systemd.hostname"),
        f"{_SYSTEMD}: one value each",
    ),
    Row(
        "replace",
        ("rd.luks.crypttab", "rd.luks.timeout", "luks.crypttab"),
        f"{_DRACUT}, systemd-cryptsetup-generator(8): switches",
    ),
    Row(
        "replace",
        ("inst.repo", "inst.ks", "inst.stage2", "inst.updates"),
        f"{_ANACONDA}: one value each",
    ),
    # --- append: every one counts
    Row(
        "append",
        ("console",),
        "Linux, Documentation/admin-guide/serial-console.rst and "
        "kernel/printk/printk.c: the last one is /dev/console, a device keeps the "
        "options of its first mention",
        last_rules=True,
    ),
    Row(
        "append",
        (
            "earlycon",
            "memmap",
            "video",
            "acpi_osi",
            "initcall_blacklist",
            "pci",
            "cgroup_disable",
            "cgroup_enable",
        ),
        f"{_LINUX}: read one after the other, each adds",
    ),
    Row(
        "append",
        ("dyndbg",),
        "Linux, Documentation/admin-guide/dynamic-debug-howto.rst: each is a query",
    ),
    Row(
        "append",
        ("cio_ignore",),
        "Linux, Documentation/arch/s390/common_io.rst: ranges are added and taken in "
        "order",
    ),
    Row("append", ("modprobe.blacklist",), "modprobe(8), libkmod: each adds"),
    Row(
        "append",
        (
            "rd.lvm.lv",
            "rd.lvm.vg",
            "rd.md.uuid",
            "rd.dm.uuid",
            "rd.luks.*",
            "rd.driver.*",
            "rd.znet",
            "rd.znet_ifname",
            "rd.zfcp",
            "rd.dasd",
            "rd.route",
            "rd.nvmf.discover",
            "rd.iscsi.param",
            "ifname",
            "nameserver",
            "bond",
            "bridge",
            "team",
            "vlan",
            "netroot",
            "fcoe",
        ),
        f"{_DRACUT}: may be given several times",
    ),
    Row(
        "append",
        ("luks.*",),
        "systemd-cryptsetup-generator(8): may be given several times",
    ),
    Row(
        "append",
        (
            "systemd.mask",
            "systemd.wants",
            "systemd.setenv",
            "systemd.mount-extra",
            "systemd.swap-extra",
            "systemd.set_credential",
            "systemd.set_credential_binary",
            "rd.systemd.mask",
            "rd.systemd.wants",
        ),
        f"{_SYSTEMD}, systemd(1), systemd-debug-generator(8): each adds",
    ),
    Row(
        "append",
        ("inst.addrepo", "inst.dd", "inst.sshpw"),
        f"{_ANACONDA}: may be given several times",
    ),
    Row(
        "append",
        ("ifcfg", "addon", "dud"),
        "openSUSE, SDB:Linuxrc: may be given several times",
    ),
    # --- together: what one of them means, another one decides
    Row(
        "together",
        ("hugepagesz", "hugepages", "default_hugepagesz"),
        f"{_LINUX}, Documentation/admin-guide/mm/hugetlbpage.rst: hugepages= is of the "
        "size before it",
    ),
    Row("together", ("ro", "rw"), f"{_LINUX}: the last of the two counts"),
)
