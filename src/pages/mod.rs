//! Field bytes to finished Parquet column chunks.
