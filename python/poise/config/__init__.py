"""What a user may choose: one vocabulary for the three doors, one file for the command."""
