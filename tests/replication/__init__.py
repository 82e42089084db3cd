"""Tests of ecsnet.replication."""
