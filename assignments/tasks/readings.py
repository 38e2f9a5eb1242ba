"""The reports to be read: for each function that names causes, the right letters, one for each report."""

READINGS = {
    "reading_ps1": "bca",
    "reading_ps2": "cad",
    "reading_ps3": "adf",
    "reading_ps4": "dac",
    "reading_ps5": "dbf",
}
