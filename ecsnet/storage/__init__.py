"""Where persistence writes: one small interface, SQLite and MongoDB behind it, and what is written there."""
