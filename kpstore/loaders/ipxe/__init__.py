"""iPXE scripts."""
