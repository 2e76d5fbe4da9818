"""Files of rows, CSV or parquet, as tables: a mapping in TOML says what their columns are."""
