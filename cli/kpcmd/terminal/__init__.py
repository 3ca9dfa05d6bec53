"""The person at the terminal: what is shown there, and how."""
