"""Image trees: entries and kernels that a node's own disk boots."""
