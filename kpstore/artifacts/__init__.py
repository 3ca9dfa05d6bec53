"""The content store, and the git-lfs pointer of what it holds."""
