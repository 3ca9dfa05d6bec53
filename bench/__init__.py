"""kp beside its peers: ratios of medians, side by side in one run."""
