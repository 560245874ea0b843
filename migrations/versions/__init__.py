"""One file a step; the serial is the order."""
