"""What a kernel can do, by a table: another feature is another line here."""

from collections.abc import Mapping

# feature -> the options that give it; the first that is set says how
CRITERIA: dict[str, tuple[str, ...]] = {
    "smp": ("SMP",),
    "nr_cpus": ("NR_CPUS",),
    "preempt": ("PREEMPT", "PREEMPT_VOLUNTARY", "PREEMPT_NONE"),
    "preempt_dynamic": ("PREEMPT_DYNAMIC",),
    "preempt_rt": ("PREEMPT_RT", "PREEMPT_RT_FULL"),
    "xen": ("XEN",),
    "xen_dom0": ("XEN_DOM0", "XEN_PRIVILEGED_GUEST"),
    "kvm_guest": ("KVM_GUEST",),
    "kerrighed": ("KERRIGHED", "KRG"),
    "modules": ("MODULES",),
    "module_signatures_forced": ("MODULE_SIG_FORCE",),
    "efi_stub": ("EFI_STUB",),
    "initrd": ("BLK_DEV_INITRD",),
    "initrd_gzip": ("RD_GZIP",),
    "initrd_xz": ("RD_XZ",),
    "initrd_zstd": ("RD_ZSTD",),
    "initrd_lz4": ("RD_LZ4",),
    "ip_autoconfiguration": ("IP_PNP",),
    "nfs": ("NFS_FS",),
    "nfs_root": ("ROOT_NFS",),
    "overlay": ("OVERLAY_FS",),
    "squashfs": ("SQUASHFS",),
    "serial_console": ("SERIAL_8250_CONSOLE", "SERIAL_AMBA_PL011_CONSOLE"),
}
_WORDS = {"y": "yes", "m": "module"}
# the same features, where only the banner tells
_BANNER = {
    "SMP": "smp",
    "PREEMPT_DYNAMIC": "preempt_dynamic",
    "PREEMPT_RT": "preempt_rt",
}


def features(options: Mapping[str, str]) -> dict[str, str]:
    """Return feature -> `yes`, `module` or a value; what is not set is absent.

    `options` is what `read_config` returns. Of several alternatives the value is
    the first one's; `preempt` is the mode's name: preempt, voluntary or none.
    """
    found = {}
    for feature, alternatives in CRITERIA.items():
        option = next((name for name in alternatives if name in options), None)
        if option is not None:
            found[feature] = _WORDS.get(options[option], options[option])
            if feature == "preempt":
                found[feature] = option.removeprefix("PREEMPT_").lower()
    return found


def banner_features(words: frozenset[str]) -> dict[str, str]:
    """Return what the banner's words alone prove, for a kernel without its config."""
    return {feature: "yes" for word, feature in _BANNER.items() if word in words}
