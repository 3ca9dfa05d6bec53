"""An ordinary bare git repository, written durably; it knows no boot state."""
