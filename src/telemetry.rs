//! Logs: events with fields, on stderr, for whoever operates the program.
//!
//! Off unless asked for by `-v`, `-vv` or `CSL_LOG`. Only masked locations are ever logged: signed
//! URLs and secrets do not reach an event, because [`crate::store`] shows them without their query. Of the
//! libraries' events nobody can say that: whatever the filter asks for, theirs end at [`FOREIGN_LEVEL_MAX`].

use crate::error::{Error, Result};
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, filter};

/// Filter of events, as `tracing` reads it: `debug`, `csl_stream::store=trace`.
pub const FILTER_VARIABLE: &str = "CSL_LOG";
/// `json` for one JSON object per event, `text` (the default) for people.
pub const FORMAT_VARIABLE: &str = "CSL_LOG_FORMAT";

/// How much is heard of other crates. At `debug` and below, HTTP clients and AWS's SDK write down whole requests,
/// with signatures, keys and addresses of people's data.
pub const FOREIGN_LEVEL_MAX: Level = Level::INFO;
/// Our own events are of this crate's modules.
const OWN: &str = env!("CARGO_CRATE_NAME");

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
    let lines = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr);
    let lines = if json { lines.json().boxed() } else { lines.with_target(false).boxed() };
    let cap = filter::filter_fn(is_heard).with_max_level_hint(LevelFilter::TRACE);
    // A second start in one process happens in tests only; the first one stays.
    let _ = tracing_subscriber::registry().with(lines.with_filter(cap)).with(filter).try_init();
    Ok(())
}

fn is_heard(event: &Metadata<'_>) -> bool {
    let own = event.target().strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    own || *event.level() <= FOREIGN_LEVEL_MAX
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
