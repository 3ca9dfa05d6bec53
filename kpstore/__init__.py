"""kp's store: versioned boot state, published atomically, with a way back."""
