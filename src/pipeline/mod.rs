//! The path: from an export to staged Parquet.
