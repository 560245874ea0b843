"""The operator's tools: console script, embedded services, demo, doctor, serve. Nobody imports it."""
