"""The `kp` command."""
