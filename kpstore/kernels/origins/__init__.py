"""Where kernels come from, one file an origin."""
