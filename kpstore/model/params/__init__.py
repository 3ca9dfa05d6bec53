"""Kernel parameters: tokens, how keys behave, and how layers become one line."""
