"""What the command takes: options and arguments, and what they mean."""
