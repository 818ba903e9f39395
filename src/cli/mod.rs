//! Commands, configuration, progress, printing.
//!
//! ```text
//! args ──▶ config + settings ──▶ a command's file ──▶ pipeline, ledger, schema, warehouse
//!                                       │
//!                  run (report, signals, progress) ──▶ printer ──▶ stdout, stderr
//! ```
//! Commands return errors; [`main`] alone prints them and turns them into exit codes.

pub mod args;
mod backfill;
mod catalog;
mod check;
mod completions;
mod config_cmd;
mod convert;
mod cost;
mod cost_cmd;
mod demo;
#[cfg_attr(not(feature = "serve"), path = "lambda_absent.rs")]
mod lambda;
mod load;
#[cfg(feature = "serve")]
mod loader;
mod loads;
#[cfg_attr(not(feature = "aws"), path = "notices_absent.rs")]
mod notices;
mod plan;
mod printer;
mod progress;
mod query;
#[cfg(feature = "serve")]
mod receiver;
#[cfg_attr(not(feature = "aws"), path = "redshift_absent.rs")]
mod redshift;
#[cfg(feature = "aws")]
mod redshift_check;
mod run;
mod schema;
#[cfg_attr(not(feature = "serve"), path = "serve_absent.rs")]
mod serve;
mod settings;
mod signals;
mod size;
mod target;
#[cfg_attr(not(feature = "serve"), path = "work_absent.rs")]
mod work;

use crate::config::{Config, mask_url};
use crate::error::Result;
use args::{Cli, Command, Global};
use clap::Parser;
use printer::Printer;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Runs the command line and returns the process's exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(command_line()) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are results, on stdout with 0; the rest goes to stderr with 2.
            let _ = match without_secrets(&answer, std::env::args_os()) {
                Some(text) => write!(std::io::stderr().lock(), "{text}"),
                None => answer.print(),
            };
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
        }
    };
    let printer = Printer::new(cli.global.json, cli.global.quiet);
    // Nobody watches a service: what it could not do must be in its log.
    let verbose = cli.global.verbose.max(u8::from(cli.command.is_service() && !cli.global.quiet));
    match crate::telemetry::start(verbose).and_then(|()| execute(printer, &cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// The words of the command line. Lambda starts a function's program without any.
fn command_line() -> Vec<OsString> {
    let words = std::env::args_os();
    #[cfg(feature = "serve")]
    if words.len() == 1 && std::env::var_os(crate::lambda::RUNTIME_API).is_some() {
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
        Command::Backfill(args) => backfill::run(printer, config(), args),
        Command::Convert(args) => convert::run(printer, config(), args),
        Command::Plan(args) => plan::run(printer, config()?, args),
        Command::Check(args) => check::run(printer, config(), args),
        Command::Schema(command) => schema::run(printer, config, command),
        Command::Query(args) => query::run(printer, config()?, args),
        Command::Loads(command) => loads::run(printer, config()?, command),
        Command::Serve(args) => serve::run(printer, config()?, args),
        Command::Lambda => lambda::run(printer, &config()?),
        Command::Work(args) => work::run(printer, config()?, args),
        Command::DeadLetters(command) => work::dead_letters(printer, &config()?, command),
        Command::Cost(args) => cost_cmd::run(printer, args),
        Command::Config(args) => config_cmd::run(printer, config()?, args),
        Command::Demo(args) => demo::run(printer, args),
        Command::Completions(args) => completions::run(printer, args),
    }
}
