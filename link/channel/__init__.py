"""The channel between satellite and station: its rate over time, packets, and file transfer."""
