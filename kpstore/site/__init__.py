"""A site directory, opened: settings, documents, lock, and its targets as seen here."""
