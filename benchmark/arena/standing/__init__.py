"""The standing of an entered method beside a field, as tables, text and a page."""
