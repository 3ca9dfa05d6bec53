"""TFTP roots: what a generation is, and how one takes the place of another."""
