"""What the command `doctor` finds: the machine, the routes of the objectives, their checks and their speed."""
