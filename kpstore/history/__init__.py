"""Git: state to paths and bytes, the repository, the record, drafts, the index."""
