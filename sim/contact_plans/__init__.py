"""Contact plans: which satellite sends to which station and when, as files in three forms.

`csv_form.py`, `json_form.py` and `ion_form.py` each write and read one form; `reading.py` tells a
file's form. The package knows nothing of scenarios.
"""
