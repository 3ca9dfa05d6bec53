"""What lies on a TFTP root, and how it is read and written; none of the acts."""
