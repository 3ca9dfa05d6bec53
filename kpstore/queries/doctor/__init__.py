"""Examining a site, for `kp doctor`."""
