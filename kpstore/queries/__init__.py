"""The verbs that read, one module a question."""
