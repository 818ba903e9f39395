//! The text forms of PostgreSQL's types, read exactly. Pure, scalar, for one value at a time.
