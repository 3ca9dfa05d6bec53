"""What is derived from history, in a database that can be made anew."""
