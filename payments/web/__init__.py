"""Layout, static files, error pages, security headers: what every page shares."""
