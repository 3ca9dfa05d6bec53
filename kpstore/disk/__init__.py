"""Durable files: the only package of kpstore that writes to the file system."""
