"""What all readers make and share: studies as values, strict reading of files, the choice of metrics, one space."""
