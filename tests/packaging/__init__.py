"""What is built, and what the README promises."""
