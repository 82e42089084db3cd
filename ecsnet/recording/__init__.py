"""Matches as files: recorded by a server as the frames it sends, rebuilt and shown from them."""
