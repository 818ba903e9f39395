//! CSV to Parquet, without a load.

use super::observer::Observer;
use super::options::Conversion;
use super::rejects::Rejects;
use super::run::{Run, not_begun};
use super::{cluster, inputs, schema};
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::pipeline::{self, ConvertOptions, Job, Outcome};
use crate::report::RunReport;
use crate::report::words::plural;
use crate::schema::Table;
use crate::store::{self, ByteSource, ExportKind, Location, ObjectInfo};
use std::collections::HashMap;
use std::path::PathBuf;

/// Endings of exports that are no part of a folder's name.
const ENDINGS: [&str; 5] = [".bz2", ".gz", ".zst", ".csv", ".CSV"];
/// Name of standard input's folder beside those of files.
const STDIN_FOLDER: &str = "stdin";

/// What is converted, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convert {
    /// Table whose rows these are.
    pub table: String,
    /// Exports, folders of them, patterns with `*`; several go each into a folder of its own, named after the file.
    pub inputs: Vec<Location>,
    /// Folder or `s3://` prefix that the Parquet files are written to.
    pub out: Location,
    /// How they are converted.
    pub conversion: Conversion,
    /// The file that rejected records go to, if there are any; none: one named after the run, in `load.rejects` or
    /// the current folder.
    pub rejects: Option<PathBuf>,
    /// Take away first what a conversion that was killed has left in `out`, and nothing else.
    pub replace: bool,
    /// Bytes of one read from the source at most; none: as many as come. For tests of where reads are cut.
    pub read_bytes: Option<usize>,
}

impl Convert {
    /// Whether there may be several inputs: then each is told of by itself.
    pub fn is_of_many(&self) -> bool {
        self.inputs.len() > 1 || self.inputs.iter().any(inputs::is_many)
    }
}

/// One input and where its Parquet goes.
#[derive(Debug, PartialEq, Eq)]
struct Errand {
    input: Location,
    out: Location,
}

/// Converts the inputs in turn; `observer` hears how each ended, and one that fails stops no other.
///
/// # Errors
/// The failure; of several inputs one of the class of the worst.
pub fn convert(config: &Config, request: &Convert, observer: &dyn Observer) -> Result<Vec<RunReport>> {
    let prepared = prepare(config, request, observer);
    let (errands, options, table) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let outcome = not_begun(&request.table, ExportKind::Full, error);
            observer.ended(&outcome)?;
            let told =
                |error: Error| if request.is_of_many() { error.like("nothing was converted") } else { error };
            return outcome.map(|report| vec![report]).map_err(|(_, error)| told(error));
        }
    };
    let (mut reports, mut failed) = (Vec::with_capacity(errands.len()), Vec::new());
    for errand in &errands {
        let run = Run::begin(observer, &request.table, ExportKind::Full);
        let outcome = convert_one(&run, errand, &options, &table, (config, request));
        observer.ended(&outcome)?;
        match outcome {
            Ok(report) => reports.push(report),
            Err((_, Error::Interrupted)) => return Err(Error::Interrupted),
            Err((_, error)) => failed.push(error),
        }
    }
    failure(failed, errands.len() as u64, request.is_of_many()).map_or(Ok(reports), Err)
}

/// The failure of all: the one there is, or of many inputs one that counts them, of the class of the worst.
fn failure(failed: Vec<Error>, inputs: u64, are_many: bool) -> Option<Error> {
    let count = failed.len();
    let worst = failed.into_iter().min_by_key(Error::rank)?;
    if !are_many {
        return Some(worst);
    }
    let what = format!("{count} of {} failed", plural(inputs, "input"));
    Some(worst.like(what).help("each is told above; the exit code is that of the worst"))
}

fn prepare(
    config: &Config,
    request: &Convert,
    observer: &dyn Observer,
) -> Result<(Vec<Errand>, ConvertOptions, Table)> {
    let inputs = inputs::expanded(&request.inputs)?;
    if inputs.len() > 1 && request.rejects.is_some() {
        return Err(Error::usage("--rejects names one file, and there are several inputs")
            .help("leave --rejects out: each input gets a file of its own"));
    }
    let schema_location = schema::location(config)?;
    let errands = errands(inputs.clone(), &request.out, request.is_of_many())?;
    let schema = schema::read(config)?;
    let (table, options) =
        (schema.table(&request.table)?.clone(), request.conversion.options(config, &schema)?);
    let inputs = std::iter::once(schema_location).chain(inputs);
    observer.about_to_read(&inputs.collect::<Vec<_>>())?;
    Ok((errands, options, table))
}

/// One input goes into `out` itself; several go each into a folder named after the file.
fn errands(inputs: Vec<Location>, out: &Location, are_many: bool) -> Result<Vec<Errand>> {
    if !are_many {
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

fn convert_one(
    run: &Run<'_>,
    errand: &Errand,
    options: &ConvertOptions,
    table: &Table,
    (config, request): (&Config, &Convert),
) -> Outcome {
    let uri = errand.input.to_string();
    tracing::info!(load_id = run.load_id, table = table.name, input = uri, out = %errand.out, "converting");
    let failed = |error| run.failed(Some(uri.clone()), error);
    let rejects = Rejects::of_conversion(config, request.rejects.as_deref()).map_err(failed)?;
    let units = cluster::units(config, &errand.input).map_err(failed)?;
    let source = open(&errand.input, request.read_bytes).map_err(failed)?;
    // The sink first: it refuses what is no place for files with better advice.
    let sink = store::sink(&errand.out).map_err(failed)?;
    store::prepare_out(&errand.out, request.replace).map_err(failed)?;
    let progress = run.observer.converting(&run.table, &run.watch, source.info().bytes);
    let rejects = rejects.pair(&table.name, &run.load_id).map_err(failed)?;
    let job = Job::new(&run.load_id, table.clone(), run.kind, source);
    let job = Job { rejects: Some(rejects), began: run.began, ..job };
    let outcome = match units {
        Some(units) => pipeline::convert_in_units(job, options, &*sink, &*units, &run.watch),
        None => pipeline::convert(job, options, &*sink, &run.watch),
    };
    drop(progress);
    outcome
}

/// Opens an input; `read_bytes` limits each read.
fn open(location: &Location, read_bytes: Option<usize>) -> Result<Box<dyn ByteSource>> {
    let source = store::open(location)?;
    let Some(bytes_max) = read_bytes else { return Ok(source) };
    Ok(Box::new(ShortReads { source, bytes_max }))
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
        let are_many = inputs.len() > 1;
        Ok(errands(inputs, &Location::parse("out")?, are_many)?
            .iter()
            .map(|errand| errand.out.to_string())
            .collect())
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
