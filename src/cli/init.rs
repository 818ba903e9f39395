//! `csl-stream init`: a few questions, a configuration file, and `check`.
//!
//! ```text
//! flags ──▶ what no flag says: asked on a terminal, else a default ──▶ ops::init ──▶ file ──▶ check
//! ```

use super::args::{CheckArgs, FaultsArgs, InitArgs, SchemaArgs};
use super::check;
use super::printer::Printer;
use crate::config::{Config, FILE_NAME, REDSHIFT};
use crate::error::{Error, Result};
use crate::ops::Location;
use crate::ops::init::{self, Answers, BUCKETS, Target};
use crate::ops::schema::DATABASE;
use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;

/// How often one question is asked.
const TRIES_MAX: usize = 5;
/// Longest line that is taken for an answer.
const ANSWER_BYTES_MAX: u64 = 8 << 10;

/// Runs the command.
pub(super) fn run(printer: Printer, file: Option<&Path>, args: &InitArgs) -> Result<()> {
    let file = file.unwrap_or(Path::new(FILE_NAME));
    init::refuse_present(file)?;
    let asks = !args.yes && std::io::stdin().is_terminal() && printer.speaks_to_a_person();
    let answers = answers(&Asker { printer, asks }, file, args)?;
    init::write(file, &answers.file())?;
    printer.result(&format!("wrote {}; what a load needs:", file.display()))?;
    let nothing_named = CheckArgs {
        tables: Vec::new(),
        all: false,
        alerts: false,
        exports: None,
        schema: SchemaArgs { schema: None },
        to: None,
        faults: FaultsArgs::default(),
    };
    check::run(printer, Config::load(Some(file)), &nothing_named)
}

fn answers(asker: &Asker, file: &Path, args: &InitArgs) -> Result<Answers> {
    let (exports, slug) = exports(asker, file, args)?;
    let schema = Question {
        flag: "--schema",
        text: "The bulk schema: https://<your host>/api/bulk_data/schema.json, or a file",
        default: None,
    };
    let schema = asker.answer(&schema, args.schema.as_deref(), |text| place(file, text))?;
    let to = Question {
        flag: "--to",
        text: "Where tables go: redshift, or a folder",
        default: Some("./warehouse"),
    };
    let to = asker.answer(&to, args.to.as_deref(), |text| match text {
        REDSHIFT => Ok(text.to_owned()),
        text => place(file, text),
    })?;
    let target = if to == REDSHIFT { redshift(asker, args)? } else { folder(to, args)? };
    Ok(Answers { exports, slug, schema, target })
}

/// Where the exports are, and whose, if they are in a bucket of ControlShift's.
fn exports(asker: &Asker, file: &Path, args: &InitArgs) -> Result<(String, Option<String>)> {
    let question = Question {
        flag: "--slug or --exports",
        text: "Your organisation's slug at ControlShift; or, of exports elsewhere, their folder or s3:// place",
        default: None,
    };
    let is_place =
        |text: &str| args.slug.is_none() && (args.exports.is_some() || text.contains('/') || text == ".");
    let given = args.slug.as_deref().or(args.exports.as_deref());
    let named = asker.answer(&question, given, |text| match is_place(text) {
        true => place(file, text),
        false => init::exports_of(text, BUCKETS[0].0).map(|_| text.to_owned()),
    })?;
    if is_place(&named) {
        return Ok((named, None));
    }
    let question = Question {
        flag: "--region",
        text: "Region of ControlShift's bucket: us-east-1, or eu-central-1",
        default: Some(BUCKETS[0].0),
    };
    let root = asker.answer(&question, args.region.as_deref(), |region| init::exports_of(&named, region))?;
    Ok((root, Some(named)))
}

fn folder(folder: String, args: &InitArgs) -> Result<Target> {
    let redshift = [&args.workgroup, &args.cluster, &args.database, &args.staging];
    if redshift.iter().any(|flag| flag.is_some()) {
        return Err(Error::usage(format!(
            "tables go into the folder {folder}, and a flag of Redshift is given"
        ))
        .help("give --to redshift, or leave the flag out"));
    }
    Ok(Target::Folder(folder))
}

fn redshift(asker: &Asker, args: &InitArgs) -> Result<Target> {
    let workgroup = Question {
        flag: "--workgroup or --cluster",
        text: "Redshift Serverless workgroup; of a provisioned cluster cluster:NAME",
        default: None,
    };
    let cluster = args.cluster.as_ref().map(|name| format!("cluster:{name}"));
    let named = asker.answer(&workgroup, args.workgroup.as_deref().or(cluster.as_deref()), some)?;
    let named = match named.strip_prefix("cluster:") {
        Some(cluster) => ("cluster", cluster.trim().to_owned()),
        None => ("workgroup", named),
    };
    let database =
        Question { flag: "--database", text: "Database that holds the mirror", default: Some(DATABASE) };
    let database = asker.answer(&database, args.database.as_deref(), some)?;
    let staging = Question {
        flag: "--staging",
        text: "Where Parquet is staged for COPY, in a bucket of yours: s3://bucket/prefix",
        default: None,
    };
    let staging = asker.answer(&staging, args.staging.as_deref(), |text| {
        init::check_staging(text).map(|()| text.to_owned())
    })?;
    Ok(Target::Redshift { named, database, staging })
}

fn some(text: &str) -> Result<String> {
    Ok(text.to_owned())
}

/// A place as the file must have it, where relative paths count from the file's folder.
fn place(file: &Path, text: &str) -> Result<String> {
    let is_beside = file.parent().is_none_or(|folder| folder.as_os_str().is_empty());
    match Location::parse(text)? {
        Location::Stdin => Err(Error::usage("standard input is read once, and cannot be configured")),
        Location::Local(path) if !is_beside && path.is_relative() => {
            let whole = std::path::absolute(&path)
                .map_err(|cause| Error::io("cannot find the current folder", &path, cause))?;
            whole.to_str().map(str::to_owned).ok_or_else(|| Error::usage("the current folder is not UTF-8"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// What must be known.
struct Question {
    /// The flag that answers it.
    flag: &'static str,
    text: &'static str,
    default: Option<&'static str>,
}

/// Whoever answers: a flag, a person, a default.
struct Asker {
    printer: Printer,
    asks: bool,
}

impl Asker {
    /// The answer as `sound` makes of it; a person is asked again where it refuses.
    fn answer(
        &self,
        question: &Question,
        flag: Option<&str>,
        sound: impl Fn(&str) -> Result<String>,
    ) -> Result<String> {
        let missing = || {
            Error::usage(format!("nothing says: {}", question.text))
                .help(format!("give {}, or run it on a terminal, where it asks", question.flag))
        };
        if let Some(given) = flag {
            return sound(given);
        }
        if !self.asks {
            return question.default.ok_or_else(missing).and_then(sound);
        }
        for _ in 0..TRIES_MAX {
            let typed = self.asked(question)?.ok_or_else(missing)?;
            let answer = if typed.is_empty() { question.default } else { Some(typed.as_str()) };
            match answer.ok_or_else(missing).and_then(&sound) {
                Ok(answer) => return Ok(answer),
                Err(refused) => self.printer.error(&refused),
            }
        }
        Err(missing())
    }

    /// What is typed; none if there will be nothing more.
    fn asked(&self, question: &Question) -> Result<Option<String>> {
        let default = question.default.map_or(String::new(), |default| format!(" [{default}]"));
        self.printer.line(&format!("{}{default}:", question.text));
        let mut line = String::new();
        let read = std::io::stdin().lock().take(ANSWER_BYTES_MAX).read_line(&mut line);
        let read = read.map_err(|cause| Error::machine("cannot read the answer").because(cause))?;
        Ok((read > 0).then(|| line.trim().to_owned()))
    }
}
