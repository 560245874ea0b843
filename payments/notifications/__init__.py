"""Messages to people: rendered values in, delivery attempts recorded."""
