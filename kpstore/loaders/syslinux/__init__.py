"""The SYSLINUX family's configuration language."""
