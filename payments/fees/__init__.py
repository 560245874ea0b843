"""Fee items, dated rates and ceilings, registrations and exemptions."""
