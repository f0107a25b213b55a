"""The learned codec as both ends share it: entropy model, context, coding order, range coder."""
