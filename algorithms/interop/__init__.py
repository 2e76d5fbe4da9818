"""What adapters to other libraries share: optional imports, spaces, pending trials, containment."""
