"""Targets: staged beside what is served, switched by one rename, swept later."""
