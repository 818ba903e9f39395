//! Field bytes to Arrow arrays, of those columns that are asked for.
//!
//! The fields are found, read and checked by what makes the pages: a value is the very one that a Parquet file of the
//! same export has, under the type that readers find there.

mod batch;
mod boolean;
mod column;
mod fixed;
mod schema;
mod spread;
mod text;

pub use batch::BatchDecoder;
pub use schema::arrow_schema;
