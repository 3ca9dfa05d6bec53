"""Verdicts on payloads: the rules, without I/O."""
