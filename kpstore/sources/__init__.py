"""Where kernels come from: loose files, and what is installed in an image."""
