//! Words in, words out: arguments, printing, progress, signals, exit codes.
//!
//! ```text
//! args ──▶ flags: configuration + request ──▶ a command's file ──▶ ops ──▶ values ──▶ printer ──▶ stdout, stderr
//!                                                                   │ ▲
//!                                                   notes, progress ▼ │ stop
//!                                                     terminal (progress, signals, reports)
//! ```
//! Commands return errors; [`main`] alone prints them and turns them into exit codes.

pub mod args;
mod backfill;
mod check;
#[cfg(feature = "cluster")]
mod cluster;
mod completions;
mod config_cmd;
mod convert;
mod core_dumps;
mod cost;
#[cfg(feature = "serve")]
mod dead_letters;
mod demo;
mod erase;
mod faults;
mod flags;
mod init;
#[cfg(feature = "serve")]
mod lambda;
mod loads;
mod man;
mod pager;
mod panics;
mod plan;
mod printer;
mod privacy;
mod progress;
#[cfg(feature = "query")]
mod query;
mod reports;
mod rollback;
mod schema;
#[cfg(feature = "serve")]
mod serve;
mod signals;
mod size;
#[cfg(feature = "query")]
mod sql;
#[cfg(feature = "serve")]
mod status;
mod summary;
mod terminal;
mod verify;
#[cfg(feature = "serve")]
mod work;

use crate::config::{Config, mask_url};
use crate::error::{Error, Result};
use args::{Cli, Command, ConfigCommand, Global};
use clap::Parser;
use printer::Printer;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command line and returns the process's exit code.
pub fn main() -> ExitCode {
    core_dumps::off();
    panics::hush();
    let cli = match Cli::try_parse_from(command_line()) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are results, on stdout with 0; the rest goes to stderr with 2.
            let text = without_secrets(&answer, std::env::args_os());
            if answer.use_stderr() && std::env::args_os().any(|word| word == JSON_FLAG) {
                let told = text.clone().unwrap_or_else(|| answer.render().to_string());
                Printer::new(true, true).failure(&refused(&told));
            }
            let _ = match text {
                Some(text) => write!(std::io::stderr().lock(), "{text}"),
                None => answer.print(),
            };
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
        }
    };
    let reports_on_stdout = cli.command.report().is_some_and(|path| path == Path::new(reports::STDOUT));
    let printer = Printer::new(cli.global.json || reports_on_stdout, cli.global.quiet)
        .with_looks(cli.global.color, !cli.global.no_pager);
    // Nobody watches a service: what it could not do must be in its log.
    let verbose = cli.global.verbose.max(u8::from(cli.command.is_service() && !cli.global.quiet));
    let ready = signals::outlive_file_limits().and_then(|()| crate::telemetry::start(verbose));
    match ready.and_then(|()| execute(printer, &cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer.failure(&error);
            printer.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// The flag that asks for JSON, looked for where the command line is not understood.
const JSON_FLAG: &str = "--json";

/// A command line that is not understood, as an error: the first paragraph of what is said of it.
fn refused(told: &str) -> Error {
    let what = told.split("\n\n").next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what).split_whitespace().collect::<Vec<_>>();
    Error::usage(what.join(" ")).help("csl-stream --help")
}

/// The words of the command line. Lambda starts a function's program without any.
fn command_line() -> Vec<OsString> {
    let words = std::env::args_os();
    #[cfg(feature = "serve")]
    if words.len() == 1 && std::env::var_os(crate::ops::function::RUNTIME_API).is_some() {
        return words.chain(["lambda".into()]).collect();
    }
    words.collect()
}

/// What clap would print, if an argument that it may repeat holds a query or a password: without them.
fn without_secrets(answer: &clap::Error, arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let masked = |text: &str| mask_url(text) != text;
    let mut urls: Vec<String> = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .filter(|text| masked(text))
        .collect();
    // `--flag=URL` is repeated with the flag or without.
    let values = urls.iter().filter_map(|text| text.split_once('=')).map(|(_, value)| value.to_owned());
    urls.extend(values.filter(|text| masked(text)).collect::<Vec<_>>());
    if urls.is_empty() || !answer.use_stderr() {
        return None;
    }
    // The longest first: another may be a part of it.
    urls.sort_by_key(|url| std::cmp::Reverse(url.len()));
    let shown = answer.render().to_string();
    Some(urls.iter().fold(shown, |shown, url| shown.replace(url, &mask_url(url))))
}

fn execute(printer: Printer, cli: &Cli) -> Result<()> {
    let Global { config, .. } = &cli.global;
    // Commands that do not ask for it must work beside a broken configuration file.
    let config = || Config::load(config.as_deref());
    match &cli.command {
        Command::Backfill(args) if args.dry_run => plan::run(printer, config()?, args),
        Command::Backfill(args) => backfill::run(printer, config(), args),
        Command::Convert(args) => convert::run(printer, config(), args),
        Command::Plan(args) => plan::run(printer, config()?, args),
        Command::Verify(args) => verify::run(printer, config()?, args),
        Command::Check(args) => check::run(printer, config(), args),
        Command::Init(args) => init::run(printer, cli.global.config.as_deref(), args),
        Command::Schema(command) => schema::run(printer, config, command),
        #[cfg(feature = "query")]
        Command::Query(args) => query::run(printer, config()?, args),
        #[cfg(not(feature = "query"))]
        Command::Query(_) => Err(crate::features::Feature::Query.missing("csl-stream query")),
        Command::Privacy(command) => privacy::run(printer, config()?, command),
        Command::Loads(command) => loads::run(printer, config()?, command),
        Command::Rollback(args) => rollback::run(printer, config()?, args),
        Command::Erase(args) => erase::run(printer, config()?, args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(printer, config()?, args),
        #[cfg(feature = "serve")]
        Command::Status(args) => status::run(printer, config()?, args),
        #[cfg(feature = "serve")]
        Command::Lambda => lambda::run(printer, &config()?),
        #[cfg(feature = "serve")]
        Command::Work(args) => work::run(printer, config()?, args),
        #[cfg(feature = "serve")]
        Command::DeadLetters(command) => dead_letters::run(printer, &config()?, command),
        #[cfg(not(feature = "serve"))]
        Command::Serve(_)
        | Command::Status(_)
        | Command::Lambda
        | Command::Work(_)
        | Command::DeadLetters(_) => Err(crate::features::Feature::Serve.missing("this command")),
        #[cfg(feature = "cluster")]
        Command::Cluster(command) => cluster::run(printer, config()?, command),
        #[cfg(not(feature = "cluster"))]
        Command::Cluster(_) => Err(crate::features::Feature::Cluster.missing("csl-stream cluster")),
        Command::Cost(args) => cost::run(printer, args),
        Command::Config(args) => match args.command {
            Some(ConfigCommand::Schema) => config_cmd::schema(printer),
            Some(ConfigCommand::Show) | None => config_cmd::show(printer, config()?, args),
        },
        Command::Demo(args) => demo::run(printer, args, execute),
        Command::Completions(args) => completions::run(printer, args),
        Command::Man(args) => man::run(printer, args),
    }
}
