"""Outgoing events for school software: kept with their cause, signed by Standard Webhooks, sent until received."""
