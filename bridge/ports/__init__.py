"""What an adapter promises the engine, and the few tools every adapter shares."""
