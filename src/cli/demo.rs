//! `csl-stream demo`: a made-up export, the main job on it, and one query. No account, no network.
//!
//! ```text
//! <dir>/schema.json
//! <dir>/exports/demo-org/full/signatures/20260301/signatures_20260301031500.csv
//! <dir>/warehouse/signatures/…
//! ```

mod sample;

use super::args::{Cli, DemoArgs};
use super::printer::Printer;
use crate::error::{Error, Place, Result};
use clap::Parser;
use std::path::Path;

/// Where ControlShift's bucket would have the export.
const EXPORT: &str = "exports/demo-org/full/signatures/20260301/signatures_20260301031500.csv";
/// What is asked of the table at the end.
#[cfg(feature = "query")]
const QUESTION: &str = "select country, count(*) as signatures, count(postcode) as with_postcode, \
     count(*) filter (where postcode = '') as empty_postcode, min(created_at) as first \
     from signatures group by country order by signatures desc, country";

/// How a command line is carried out.
type Execute = fn(Printer, &Cli) -> Result<()>;

/// Runs the command: the same commands that a user would type, one after the other.
pub(super) fn run(printer: Printer, args: &DemoArgs, execute: Execute) -> Result<()> {
    let dir = &args.dir;
    let export = dir.join(EXPORT);
    write_once(&dir.join("schema.json"), sample::SCHEMA)?;
    write_once(&export, &sample::export())?;
    printer.note(&format!("a made-up export is in {}", export.display()));
    let inside = |name: &str| text(&dir.join(name)).map(str::to_owned);
    let (exports, schema) = (inside("exports/demo-org")?, inside("schema.json")?);
    let warehouse = inside("warehouse")?;
    let table = ["backfill", "--table", "signatures"];
    let places = ["--exports", &exports, "--schema", &schema, "--to", &warehouse];
    command(printer, execute, &[&table[..], &places].concat())?;
    #[cfg(feature = "query")]
    let last = ["query", "--to", &warehouse, QUESTION];
    #[cfg(not(feature = "query"))]
    let last = ["loads", "list", "--to", &warehouse];
    command(printer, execute, &last)
}

/// Shows a command and runs it in this process.
fn command(printer: Printer, execute: Execute, words: &[&str]) -> Result<()> {
    let quoted = |word: &&str| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() };
    printer.note(&format!("\n$ csl-stream {}", words.iter().map(quoted).collect::<Vec<_>>().join(" ")));
    let cli = Cli::try_parse_from([&["csl-stream"], words].concat())
        .map_err(|cause| Error::usage("the demo's folder cannot be an argument").because(cause))?;
    execute(printer, &cli)
}

/// Keeps a file that is as it should be: the second demo then shows that the same export is not loaded twice.
fn write_once(path: &Path, content: &str) -> Result<()> {
    if std::fs::read(path).is_ok_and(|found| found == content.as_bytes()) {
        return Ok(());
    }
    crate::ops::write_file(path, content.as_bytes())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::usage("the demo's folder is not UTF-8")
            .at(Place::uri(path.display().to_string()))
            .help("choose another: --dir ./csl-demo")
    })
}
