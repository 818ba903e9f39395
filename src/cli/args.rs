//! The command line: every command, every flag, every word of help.
//!
//! Locations are taken as they come and taken apart later: clap repeats whole what it refuses, and a
//! signed URL is a password.

use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

mod check;
mod cluster;
mod cost;
mod erase;
mod groups;
mod init;
mod listen;
mod loads;
mod privacy;
mod query_export;
mod rollback;
mod serve;
mod status;
mod verify;
mod work;

pub use check::{CheckArgs, FaultsArgs};
pub use cluster::{ClusterArgs, ClusterCommand, ExecutorArgs, SchedulerArgs, SecurityArgs};
pub use cost::CostArgs;
pub use erase::EraseArgs;
pub use groups::{ConversionArgs, ExportArgs, LocalArgs, OutputArgs, SchemaArgs, TargetArgs};
pub use init::InitArgs;
pub use loads::{LedgerArgs, LoadsCommand};
pub use privacy::PrivacyCommand;
pub use query_export::QueryExportArgs;
pub use rollback::RollbackArgs;
pub use serve::ServeArgs;
pub use status::StatusArgs;
pub use verify::VerifyArgs;
pub use work::{DeadLettersCommand, WorkArgs};

use groups::parse_table;

/// Widest line of a help text: longer ones are hard to read, however wide the terminal is.
const HELP_COLUMNS_MAX: usize = 100;

/// What `--version` prints: the version, and what it was built of.
static LONG_VERSION: LazyLock<String> = LazyLock::new(crate::features::version);

const AFTER_HELP: &str = "\
Examples:
  csl-stream demo
  csl-stream backfill --table signatures --exports s3://agra-data-exports-production/my-org \\
      --schema https://action.example.org/api/bulk_data/schema.json
  csl-stream convert --table signatures --schema schema.json --out parquet signatures.csv.bz2
  csl-stream query \"select count(*) from signatures\"

Settings come from the flag, then from CSL_<SECTION>_<KEY>, then from csl-stream.toml, then from the \
default; `csl-stream config` shows each with its origin. AWS credentials come from AWS's own chain.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 no access, 4 schema does not fit, \
5 too many rejects, or a table would shrink, 6 counts disagree, 7 transient (run it again), 130 interrupted.";

/// Streams ControlShift bulk exports into Parquet and a warehouse: validated, parallel, all or nothing.
#[derive(Debug, Parser)]
#[command(name = "csl-stream", version, long_version = LONG_VERSION.as_str(), after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true, max_term_width = HELP_COLUMNS_MAX)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Configuration file instead of ./csl-stream.toml
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Results as JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Colours [default: auto, on a terminal and as NO_COLOR, CLICOLOR and CLICOLOR_FORCE say]
    #[arg(long, global = true, value_enum, value_name = "auto|always|never", default_value_t = Color::Auto)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub color: Color,
    /// Long lists as they are, not through $PAGER
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// No progress and no notes on standard error; errors stay
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Events on standard error; -vv for more. CSL_LOG sets a filter, CSL_LOG_FORMAT=json the format
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// When colours are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, and as NO_COLOR, CLICOLOR and CLICOLOR_FORCE say
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole job: find the export, convert it, stage it, load it
    Backfill(BackfillArgs),
    /// Convert CSV to Parquet without loading it
    Convert(ConvertArgs),
    /// Show what backfill would do; change nothing
    Plan(BackfillArgs),
    /// Compare a table with an export, or with its last full load, column by column; change nothing
    Verify(VerifyArgs),
    /// Check that everything a load needs is in place: configuration, access, tables
    Check(CheckArgs),
    /// Ask what a load must know, write it into csl-stream.toml, and check it
    Init(InitArgs),
    /// The bulk schema: as DDL, compared, shown, fetched
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// What becomes of people's values: which columns are kept, dropped, hashed, and who decided it
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// Run SQL over the local warehouse, Parquet files, or exports as they lie there
    Query(QueryArgs),
    /// The loads that happened
    #[command(subcommand)]
    Loads(LoadsCommand),
    /// Make a table of the local warehouse what it was before its last load
    Rollback(RollbackArgs),
    /// Erase people from a table, and from everything that was made of it
    Erase(EraseArgs),
    /// Receive ControlShift's webhooks, and put the exports they name on the queue
    Serve(ServeArgs),
    /// Show tables, loads and queue as pages: what is wrong, and what to do
    Status(StatusArgs),
    /// Answer the events of an AWS Lambda function; without a command, this is what runs there
    Lambda,
    /// Take messages from the queue and load what they name
    Work(WorkArgs),
    /// Messages that could not be loaded
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Scheduler and executors: the units of an export on several machines
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// What a night of so many bytes costs: in Fargate, in Lambda, and with Glue
    Cost(CostArgs),
    /// Show every setting and where it came from
    Config(ConfigArgs),
    /// Make a small made-up export, backfill it, and query it
    Demo(DemoArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Write the manual pages of all commands into a folder
    Man(ManArgs),
}

impl Command {
    /// Where the run report is to be written.
    pub fn report(&self) -> Option<&std::path::Path> {
        match self {
            Self::Backfill(args) | Self::Plan(args) => args.output.report.as_deref(),
            Self::Convert(args) => args.output.report.as_deref(),
            _ => None,
        }
    }

    /// Whether it runs until it is told to stop; then its events are logged without being asked for.
    pub fn is_service(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Status(_) | Self::Lambda | Self::Cluster(_))
    }
}

/// Flags of `backfill` and `plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  csl-stream backfill --table signatures --exports ./exports --schema schema.json
  csl-stream backfill --table signatures --export s3://bucket/org/full/signatures/20260301/signatures_20260301031500.csv.bz2
  csl-stream backfill --table signatures --kind incremental --date 20260301 --json
  csl-stream backfill --all --to redshift

Several tables: the largest first, small ones beside each other, within the memory of one load. One that \
fails stops no other; each is a line and has a report. The exit code is that of the worst end, in this order: \
130, 6, 2, 3, 4, 5, 1, 7, 0. A plan is of one table.")]
#[command(group(ArgGroup::new("which").required(true).args(["tables", "all"])))]
pub struct BackfillArgs {
    /// Table to load; several: --table A,B or the flag again
    #[arg(long = "table", value_name = "TABLE", value_parser = parse_table, value_delimiter = ',')]
    pub tables: Vec<String>,
    /// Every table of the schema that has an export
    #[arg(long, conflicts_with = "export")]
    pub all: bool,
    /// Which export, and where it is.
    #[command(flatten)]
    pub export: ExportArgs,
    /// Where the table goes.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How it is converted.
    #[command(flatten)]
    pub conversion: ConversionArgs,
    /// What is written down.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Load this export though it, or a newer full one, is in the table
    #[arg(long, help_heading = "Export")]
    pub again: bool,
    /// Load a full export that leaves few rows of the table, or none; for this run
    #[arg(long, help_heading = "Warehouse")]
    pub allow_shrink: bool,
    /// Do what `plan` does: look at everything, change nothing
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
}

/// Flags of `convert`.
#[derive(Debug, Args)]
#[command(after_help = "\
Several inputs go each into a folder of its own inside --out, named after the
file. One that fails stops no other; the exit code is that of the worst. A
folder stands for every export in it, and a pattern with * for the files that
it fits.

Examples:
  csl-stream convert --table signatures --schema schema.json --out parquet signatures.csv.bz2
  lbzip2 -dc signatures.csv.bz2 | csl-stream convert --table signatures --schema schema.json --out parquet -")]
pub struct ConvertArgs {
    /// Exports: paths, folders, patterns with *, s3://, https://, - for standard input, or @FILE, a file whose first line
    /// names one
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<OsString>,
    /// Table whose rows these are
    #[arg(long, value_name = "TABLE", value_parser = parse_table)]
    pub table: String,
    /// Folder or s3:// prefix that the Parquet files are written to
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: OsString,
    /// Take away first what a conversion that was killed has left in DIR
    #[arg(long)]
    pub replace: bool,
    /// Bytes of one read from the source, to test where reads may be cut
    #[arg(long, value_name = "N", hide = true, value_parser = super::size::parse_some)]
    pub read_bytes: Option<u64>,
    /// How they are converted.
    #[command(flatten)]
    pub conversion: ConversionArgs,
    /// What is written down.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The bulk schema.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Print the CREATE TABLE statements for Redshift; drops nothing unless told
    Ddl {
        /// Where the schema is.
        #[command(flatten)]
        schema: SchemaArgs,
        /// Only these tables
        #[arg(long = "table", value_name = "TABLE", value_parser = parse_table, value_delimiter = ',')]
        tables: Vec<String>,
        /// Schema that the tables are created in [config: redshift.schema; default: public]
        #[arg(long, value_name = "NAME", value_parser = parse_table)]
        in_schema: Option<String>,
        /// Drop each table first
        #[arg(long)]
        replace: bool,
        /// Also print the ledger's tables, and every grant that a load needs
        #[arg(long)]
        ledger: bool,
        /// The database user that loads [config: redshift.db_user; default: loader]
        #[arg(long, value_name = "USER", requires = "ledger")]
        user: Option<String>,
    },
    /// List what changed between two schemas: added, dropped, renamed, retyped, reordered
    Diff {
        /// The old schema: a file or a URL
        old: OsString,
        /// The new schema: a file or a URL
        new: OsString,
        /// End with exit code 4 if they differ
        #[arg(long)]
        exit_code: bool,
    },
    /// Show the tables and their columns with the types they get
    Show {
        /// Where the schema is.
        #[command(flatten)]
        schema: SchemaArgs,
        /// Only these tables
        #[arg(long = "table", value_name = "TABLE", value_parser = parse_table, value_delimiter = ',')]
        tables: Vec<String>,
    },
    /// Fetch the schema, check it, and print it or write it to a file
    Pull {
        /// Where the schema is.
        #[command(flatten)]
        schema: SchemaArgs,
        /// File to write instead of standard output
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },
}

/// Flags of `query`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  csl-stream query \"select count(*) from signatures\"
  csl-stream query --format csv \"select country, count(*) from signatures group by 1 order by 2 desc\"
  csl-stream query --files s=parquet \"select count(*) from s\"
  csl-stream query -f report.sql --out report.parquet
  csl-stream query < report.sql
  csl-stream query --export signatures_20260301031500.csv.bz2 --schema schema.json \\
      \"select count(*) from signatures\"")]
pub struct QueryArgs {
    /// The statement; each table of the warehouse is a table. - or nothing: it comes from standard input
    #[arg(value_name = "SQL", conflicts_with = "file")]
    pub sql: Option<String>,
    /// The file that holds the statement
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Parquet files outside the warehouse as the table NAME: a file, a folder, or a pattern with *
    #[arg(long, value_name = "NAME=PATH", value_hint = ValueHint::AnyPath)]
    pub files: Vec<String>,
    /// How the answer is printed; --json is short for json
    #[arg(long, value_enum, default_value_t = QueryFormat::Table, conflicts_with_all = ["json", "out"])]
    pub format: QueryFormat,
    /// Write the answer to this file, whole or not at all: .parquet, .csv, .json (one object a line)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Replace --out if it is there
    #[arg(long, requires = "out")]
    pub replace: bool,
    /// Where the tables are.
    #[command(flatten)]
    pub target: LocalArgs,
    /// Exports as they lie there.
    #[command(flatten)]
    pub exported: QueryExportArgs,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// For people
    Table,
    /// With a header line
    Csv,
    /// One object per row and line
    Json,
}

/// Flags of `config`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConfigArgs {
    /// What about the configuration.
    #[command(subcommand)]
    pub command: Option<ConfigCommand>,
    /// As for backfill.
    #[arg(long, value_name = "URI")]
    pub exports: Option<String>,
    /// As for backfill.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// As for backfill.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// What about the configuration.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Show every setting and where it came from; this is what `config` alone does
    Show,
    /// Print the JSON Schema of csl-stream.toml, for editors and validators
    Schema,
}

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder for the made-up export and its warehouse
    #[arg(long, value_name = "DIR", default_value = "./csl-demo", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

/// Flags of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Flags of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  csl-stream man ~/.local/share/man/man1 && man csl-stream-backfill")]
pub struct ManArgs {
    /// Folder that the pages are written into
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
