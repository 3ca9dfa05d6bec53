"""Taking a kernel in: where it is from, what it needs, whether it can boot."""
