"""The bytes: a content store, and facts read out of kernels, initrds and modules."""
