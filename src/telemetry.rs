//! Logs: events with fields, on stderr, for whoever operates the program.
//!
//! Off unless asked for by `-v`, `-vv` or `CSL_LOG`. Only masked locations are ever logged: signed
//! URLs and secrets do not reach an event, because [`crate::store`] shows them without their query.

use crate::error::{Error, Result};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Filter of events, as `tracing` reads it: `debug`, `csl_stream::store=trace`.
pub const FILTER_VARIABLE: &str = "CSL_LOG";
/// `json` for one JSON object per event, `text` (the default) for people.
pub const FORMAT_VARIABLE: &str = "CSL_LOG_FORMAT";

/// Starts logging for this process.
///
/// # Errors
/// [`Error::Usage`] for a filter or a format that is not known.
pub fn start(verbose: u8) -> Result<()> {
    let asked = variable(FILTER_VARIABLE)?;
    let json = match variable(FORMAT_VARIABLE)?.as_deref() {
        None | Some("text") => false,
        Some("json") => true,
        Some(other) => {
            return Err(
                Error::usage(format!("{FORMAT_VARIABLE} is \"{other}\"")).help("set it to text or json")
            );
        }
    };
    let Some(filter) = asked.or_else(|| by_flag(verbose).map(str::to_owned)) else { return Ok(()) };
    let filter = EnvFilter::try_new(&filter).map_err(|cause| {
        Error::usage(format!("{FILTER_VARIABLE} is not a filter: \"{filter}\""))
            .help("write a level (debug), or module=level pairs (csl_stream=trace)")
            .because(cause)
    })?;
    // Colours are for eyes: in a file or a journal they are rubbish. See https://no-color.org.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // A second start in one process happens in tests only; the first one stays.
    let _ = if json { logs.json().try_init() } else { logs.with_target(false).try_init() };
    Ok(())
}

fn by_flag(verbose: u8) -> Option<&'static str> {
    match verbose {
        0 => None,
        1 => Some("csl_stream=info"),
        2 => Some("csl_stream=debug"),
        _ => Some("csl_stream=trace,info"),
    }
}

fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(cause) => Err(Error::usage(format!("{name} is not text")).because(cause)),
    }
}
