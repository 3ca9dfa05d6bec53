"""The Boot Loader Specification: one file an entry."""
