"""GRUB's configuration language: menus by network and on a disk."""
