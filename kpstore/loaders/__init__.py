"""Rendering: menus as values, one file per loader dialect; pure functions, no I/O."""
