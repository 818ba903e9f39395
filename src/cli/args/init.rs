//! Flags of `init`.

use clap::{Args, ValueHint};

/// Flags of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Asks for what no flag says, writes the file of --config, or ./csl-stream.toml, and ends in check. Without a \
terminal, or with --yes, it asks nothing. A file that is there is never replaced.

Exit codes: those of check; 2 if an answer is missing.

Examples:
  csl-stream init
  csl-stream init --yes --exports ./exports --schema schema.json
  csl-stream init --yes --slug my-org --schema https://action.example.org/api/bulk_data/schema.json \\
      --to redshift --workgroup mirror --database dev --staging s3://my-bucket/csl-stream")]
pub struct InitArgs {
    /// Your organisation's name in the addresses of its exports
    #[arg(long, value_name = "SLUG", conflicts_with = "exports")]
    pub slug: Option<String>,
    /// Region of ControlShift's bucket [default: us-east-1]
    #[arg(long, value_name = "us-east-1|eu-central-1", conflicts_with = "exports")]
    pub region: Option<String>,
    /// Exports of your own instead: a folder or s3://bucket/prefix that holds full/ and incremental/
    #[arg(long, value_name = "URI", value_hint = ValueHint::AnyPath)]
    pub exports: Option<String>,
    /// The bulk schema: a file or the URL of schema.json
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::AnyPath)]
    pub schema: Option<String>,
    /// Folder of the local warehouse, or redshift [default: ./warehouse]
    #[arg(long, value_name = "DIR|redshift", value_hint = ValueHint::DirPath)]
    pub to: Option<String>,
    /// Redshift Serverless workgroup; this or --cluster
    #[arg(long, value_name = "NAME", help_heading = "Redshift", conflicts_with = "cluster")]
    pub workgroup: Option<String>,
    /// Provisioned Redshift cluster
    #[arg(long, value_name = "NAME", help_heading = "Redshift")]
    pub cluster: Option<String>,
    /// Database that holds the mirror [default: dev]
    #[arg(long, value_name = "NAME", help_heading = "Redshift")]
    pub database: Option<String>,
    /// Where Parquet is staged for COPY: s3://bucket/prefix
    #[arg(long, value_name = "URI", help_heading = "Redshift")]
    pub staging: Option<String>,
    /// Ask nothing: take the flags and the defaults
    #[arg(short, long)]
    pub yes: bool,
}
