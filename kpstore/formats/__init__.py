"""Binary formats: kernels, initrds, archives, module trees, compressions."""
