"""Where distributions put a kernel, and what they call the initrd beside it: data."""

from typing import Final, NamedTuple


class Placement(NamedTuple):
    """One way of installing kernels.

    `kernels` are paths in a tree, where `{...}` stands for text within one part;
    `initrds` are names in the kernel's folder, the likeliest first, where `{name}` is
    what it stood for in the kernel's path and `{release}` what the kernel's bytes say.
    """

    who: str
    kernels: tuple[str, ...]
    initrds: tuple[str, ...]
    source: str


LAYOUTS: Final = (
    Placement(
        "Debian, Ubuntu",
        ("boot/vmlinuz-{name}",),
        ("initrd.img-{name}",),
        "update-initramfs(8); dpkg -L linux-image-amd64",
    ),
    Placement(
        "EL, Fedora, Amazon, Void; Gentoo's dist-kernel and genkernel 4; Arch",
        ("boot/vmlinuz-{name}", "boot/kernel-{name}"),
        ("initramfs-{name}.img",),
        "dracut(8); genkernel(8); Arch: mkinitcpio(8), a preset a package",
    ),
    Placement(
        "SUSE: vmlinuz, of s390x image, of aarch64 and riscv64 Image, of arm zImage",
        (
            "boot/vmlinuz-{name}",
            "boot/image-{name}",
            "boot/Image-{name}",
            "boot/zImage-{name}",
        ),
        ("initrd-{name}",),
        "kernel-source: rpm/kernel-binary.spec.in; dracut's mkinitrd-suse",
    ),
    Placement(
        "Alpine; Gentoo's genkernel 3, where `{name}` is genkernel-x86_64-RELEASE",
        ("boot/vmlinuz-{name}", "boot/kernel-{name}"),
        (
            "initramfs-{name}",
            "initramfs-genkernel-x86_64-{name}",
            "initramfs-genkernel-x86-{name}",
            "initramfs-genkernel-arm64-{name}",
        ),
        "mkinitfs(1); genkernel 3: gen_package.sh; GRUB: util/grub.d/10_linux.in",
    ),
    Placement(
        "Mageia, old EL",
        ("boot/vmlinuz-{name}",),
        ("initrd-{name}.img",),
        "mkinitrd(8)",
    ),
    Placement(
        "Slackware",
        ("boot/vmlinuz-generic-{name}",),
        ("initrd.gz",),
        "mkinitrd(8) of Slackware; README.initrd",
    ),
    Placement(
        "kernel-install, where the initrd keeps the name that it was made by",
        (
            "boot/{token}/{release}/linux",
            "efi/{token}/{release}/linux",
            "boot/efi/{token}/{release}/linux",
        ),
        ("initrd", "initrd.img-{release}", "initramfs-{release}.img"),
        "kernel-install(8); 90-loaderentry.install",
    ),
    Placement(
        "ostree",
        ("boot/ostree/{token}/vmlinuz-{name}",),
        ("initramfs-{name}.img",),
        "ostree's manual: Deployments",
    ),
    Placement(
        "bootc; the packages of EL, Fedora, Arch, Gentoo and SUSE, without a copy",
        tuple(
            f"{modules}/{{release}}/{kernel}"
            for modules in ("lib/modules", "usr/lib/modules")
            for kernel in ("vmlinuz", "image", "Image", "zImage")
        ),
        ("initramfs.img", "initrd"),
        "bootc's manual: Bootc images; dracut(8); Gentoo: kernel-install.eclass",
    ),
    Placement(
        "links of Debian and SUSE to what is current",
        ("boot/vmlinuz", "boot/image", "boot/Image", "vmlinuz"),
        ("initrd.img", "initrd"),
        "linux-update-symlinks(1); kernel-source: rpm/post.sh",
    ),
    Placement(
        "Debian and SUSE on ppc64le; elsewhere what vmlinuz was made of",
        ("boot/vmlinux-{name}",),
        ("initrd.img-{name}", "initrd-{name}", "initramfs-{name}.img"),
        "dpkg -L linux-image-powerpc64le; kernel-source: rpm/kernel-binary.spec.in",
    ),
    Placement(
        "`make install` by hand",
        ("boot/bzImage-{name}",),
        (),
        "linux: scripts/install.sh",
    ),
)

EARLY: Final = (
    "intel-uc.img",
    "intel-ucode.img",
    "amd-uc.img",
    "amd-ucode.img",
    "early_ucode.cpio",
    "microcode.cpio",
)
"""Microcode, which comes before the initrd (GRUB: util/grub.d/10_linux.in)."""

CONFIG: Final = "config-{0}"
MAP: Final = "System.map-{0}"

SPARE: Final = (
    "0-rescue*",  # dracut: 51-dracut-rescue.install
    "*-fallback",
    "*.old",  # linux: scripts/install.sh
    "*.bak",
    "*~",
    "*.dpkg-*",  # GRUB: grub_file_is_not_garbage, with the two below
    "*.rpmsave",
    "*.rpmnew",
)
"""Names (or tokens' folders) of kernels for an emergency: nothing's default."""
