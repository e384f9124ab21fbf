"""A rehearsal: one product and a few orders walked through all seven steps, over real HTTP, before going live."""
