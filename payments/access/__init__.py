"""Users, roles, sessions, and decisions that need two people."""
