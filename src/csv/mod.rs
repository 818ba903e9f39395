//! PostgreSQL's CSV, cut into records and fields. Pure: bytes in, positions out.
