//! `csl-stream convert`: CSV to Parquet, without a load.

use super::args::ConvertArgs;
use super::printer::Printer;
use super::run::{Reports, Run, conclude};
use super::settings;
use super::signals::Stopper;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::pipeline::{self, ConvertOptions, Job, Outcome, rejects_files};
use crate::schema::Table;
use crate::store::{self, ByteSource, ExportKind, Location, ObjectInfo};
use crate::warehouse::ShrinkGuard;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

/// Endings of exports that are no part of a folder's name.
const ENDINGS: [&str; 5] = [".bz2", ".gz", ".zst", ".csv", ".CSV"];
/// Name of standard input's folder beside those of files.
const STDIN_FOLDER: &str = "stdin";

/// One input and where its Parquet goes.
#[derive(Debug, PartialEq, Eq)]
struct Errand {
    input: Location,
    out: Location,
}

/// Runs the command: the inputs in turn, up to the first that fails.
pub(super) fn run(printer: Printer, config: Result<Config>, args: &ConvertArgs) -> Result<()> {
    let named = args.inputs.iter().map(OsString::as_os_str);
    let named = named.chain(args.conversion.schema.schema.as_deref().map(OsStr::new));
    let rejects = args.conversion.rejects.as_deref().map(rejects_files);
    let named = named.chain(rejects.iter().flatten().map(|path| path.as_os_str()));
    let mut reports = Reports::open(printer, args.output.report.as_deref(), named)?;
    let stopper = Stopper::of_signals(printer)?;
    let begin = || Run::begin(printer, &args.table, ExportKind::Full, &stopper);
    let prepared = config.and_then(|config| prepare(config, &mut reports, args));
    let (errands, options, table) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            return conclude(printer, &reports, "converted", Err(begin().failed(None, error))).map(drop);
        }
    };
    for errand in &errands {
        let outcome = convert(&begin(), errand, &options, &table, args);
        conclude(printer, &reports, "converted", outcome)?;
    }
    Ok(())
}

fn prepare(
    mut config: Config,
    reports: &mut Reports,
    args: &ConvertArgs,
) -> Result<(Vec<Errand>, ConvertOptions, Table)> {
    settings::set_conversion(&mut config, &args.conversion);
    reports.spare(&settings::schema_location(&config))?;
    let inputs = args.inputs.iter().map(|input| settings::location(input)).collect::<Result<Vec<_>>>()?;
    if inputs.len() > 1 && args.conversion.rejects.is_some() {
        return Err(Error::usage("--rejects names one file, and there are several inputs")
            .help("leave --rejects out: each input gets a file of its own"));
    }
    let errands = errands(inputs, &settings::location(&args.out)?)?;
    let options = settings::convert_options(&config, &args.conversion)?;
    let table = settings::schema(&config)?.table(&args.table)?.clone();
    reports.begin()?;
    Ok((errands, options, table))
}

/// One input goes into `out` itself; several go each into a folder named after the file.
fn errands(inputs: Vec<Location>, out: &Location) -> Result<Vec<Errand>> {
    if inputs.len() == 1 {
        return Ok(inputs.into_iter().map(|input| Errand { input, out: out.clone() }).collect());
    }
    let mut taken: HashMap<String, String> = HashMap::new();
    let mut errands = Vec::with_capacity(inputs.len());
    for input in inputs {
        let folder = folder_of(&input)?;
        if let Some(other) = taken.insert(folder.clone(), input.to_string()) {
            return Err(Error::usage(format!(
                "{other} and {input} would both go into the folder \"{folder}\""
            ))
            .help("convert them with two commands and two folders"));
        }
        errands.push(Errand { out: out.child(&folder)?, input });
    }
    Ok(errands)
}

/// The file's name without the endings of exports.
fn folder_of(input: &Location) -> Result<String> {
    if *input == Location::Stdin {
        return Ok(STDIN_FOLDER.to_owned());
    }
    let mut name = input.file_name().unwrap_or_default();
    while let Some(shorter) = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)) {
        name = shorter;
    }
    if name.is_empty() || name.starts_with('.') {
        return Err(Error::usage("the input has no name that a folder could have")
            .at(Place::uri(input.to_string()))
            .help("convert it alone"));
    }
    Ok(name.to_owned())
}

fn convert(
    run: &Run,
    errand: &Errand,
    options: &ConvertOptions,
    table: &Table,
    args: &ConvertArgs,
) -> Outcome {
    let uri = errand.input.to_string();
    let failed = |error| run.failed(Some(uri.clone()), error);
    let source = open(&errand.input, args.read_bytes).map_err(failed)?;
    // The sink first: it refuses what is no place for files with better advice.
    let sink = store::sink(&errand.out).map_err(failed)?;
    store::prepare_out(&errand.out, false).map_err(failed)?;
    let progress = run.progress(source.info().bytes);
    let job = Job {
        load_id: run.load_id.clone(),
        table: table.clone(),
        kind: run.kind,
        source,
        exported_at: store::exported_at_of(&errand.input),
        rejects: Some(run.rejects_path(args.conversion.rejects.as_deref())),
        shrink: ShrinkGuard::default(),
        again: false,
    };
    let outcome = pipeline::convert(job, options, &*sink, &run.watch);
    drop(progress);
    outcome
}

/// Opens an input; `read_bytes` limits each read.
fn open(location: &Location, read_bytes: Option<u64>) -> Result<Box<dyn ByteSource>> {
    let source = store::open(location)?;
    let Some(bytes) = read_bytes else { return Ok(source) };
    Ok(Box::new(ShortReads { source, bytes_max: usize::try_from(bytes).unwrap_or(usize::MAX) }))
}

/// Reads no more than so many bytes at once: results must not depend on where reads are cut.
struct ShortReads {
    source: Box<dyn ByteSource>,
    bytes_max: usize,
}

impl ByteSource for ShortReads {
    fn info(&self) -> &ObjectInfo {
        self.source.info()
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let bytes = buf.len().min(self.bytes_max);
        self.source.read(&mut buf[..bytes])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(inputs: &[&str]) -> Result<Vec<String>> {
        let inputs = inputs.iter().map(|text| Location::parse(text)).collect::<Result<Vec<_>>>()?;
        Ok(errands(inputs, &Location::parse("out")?)?.iter().map(|errand| errand.out.to_string()).collect())
    }

    #[test]
    fn outputs_are_named_after_inputs() {
        let table: &[(&[&str], &[&str])] = &[
            (&["a.csv"], &["out"]),
            (&["-"], &["out"]),
            (&["x/a.csv", "b.csv.bz2"], &["out/a", "out/b"]),
            (
                &["s3://b/k/a_1.csv.gz", "https://h/c.csv?Signature=S", "-"],
                &["out/a_1", "out/c", "out/stdin"],
            ),
        ];
        for (inputs, outs) in table {
            assert_eq!(folders(inputs).unwrap(), *outs, "{inputs:?}");
        }
    }

    #[test]
    fn ambiguous_names_are_refused() {
        for (inputs, part) in [
            (&["x/a.csv", "y/a.csv.bz2"][..], "x/a.csv and y/a.csv.bz2 would both go into the folder \"a\""),
            (&["-", "-"], "both go into the folder \"stdin\""),
            (&[".csv", "b.csv"], "no name"),
        ] {
            let error = folders(inputs).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
