"""How often somebody may try: one store for all web machines that keeps no address and no code in plain."""
