"""`kp demo`: a make-believe cluster, and the story that is told on it."""
