"""What is there already and kp did not write."""
