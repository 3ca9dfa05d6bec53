"""Where a commit is served: one folder a kind of target."""
