"""What school software can send and read: a module per subject, each with its shapes and its rows of the table."""
