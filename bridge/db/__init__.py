"""What the bridge remembers: tables, sessions, migrations and work claims. SQL is the truth."""
