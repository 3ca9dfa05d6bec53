"""A user's draft: edited, undone, settled, committed with a plan."""
