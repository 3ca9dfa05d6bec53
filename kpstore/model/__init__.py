"""What boot state is: frozen values and the rules between them; no I/O, no clock."""
