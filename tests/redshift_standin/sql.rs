//! SQL as Redshift takes it.
