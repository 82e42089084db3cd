"""Asking what happened: `ecsnet data`, from its options to its tables and pictures; what answers is in storage."""
