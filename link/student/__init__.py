"""The learned codec as both ends share it: entropy model, context, coding order, range coder.

docs/codec.md describes the codec, docs/codec-integers.md its integers, docs/bitstream.md its bytes.
"""
