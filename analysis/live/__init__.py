"""The page that follows a suite while it runs."""
