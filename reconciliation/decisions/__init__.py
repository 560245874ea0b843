"""What people decide about facts that the night joined or left apart: events that every later run replays."""
