"""Edits of boot state: plain functions on a `State`, one module a noun."""
