//! Flags of `privacy`.

use super::groups::{SchemaArgs, parse_table};
use clap::Subcommand;

/// What becomes of people's values.
#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Show what becomes of each column of the schema, and who decided it: a rule, the preset, or nobody
    Show {
        /// Where the schema is.
        #[command(flatten)]
        schema: SchemaArgs,
        /// Only these tables
        #[arg(long = "table", value_name = "TABLE", value_parser = parse_table, value_delimiter = ',')]
        tables: Vec<String>,
    },
    /// Compare the rules with the schema; exit code 4 if there is a column that nobody has decided about
    Check {
        /// Where the schema is.
        #[command(flatten)]
        schema: SchemaArgs,
    },
}
