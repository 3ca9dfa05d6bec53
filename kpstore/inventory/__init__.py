"""Where images and nodes come from: tables, and the files of other systems."""
