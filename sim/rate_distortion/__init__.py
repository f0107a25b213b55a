"""Compare codecs on pictures without a mission: rate against quality."""
