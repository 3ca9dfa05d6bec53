"""One verb a file; `kpcmd.registry` says which."""
