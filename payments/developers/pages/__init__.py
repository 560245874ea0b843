"""Pages of the developers' desk, a module per subject; each adds its routes to the blueprint."""
