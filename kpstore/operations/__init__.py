"""The verbs that write, and the commit protocol that they share."""
