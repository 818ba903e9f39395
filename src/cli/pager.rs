//! Long lists on a terminal: through what the user reads them with, as git does.

use std::io::{ErrorKind, Result, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Lines that every terminal shows at once: less of them need no pager.
const LINES_MIN: usize = 20;
/// The pager where `PAGER` names none.
const PRESET: &str = "less";
/// How `less` behaves unless `LESS` says so: it quits if all fits on one screen, shows colours, leaves the text on the
/// screen.
const LESS: &str = "FRX";

/// The pager for a text, if it is long enough for one, and one is wanted.
pub(super) fn of(text: &str) -> Option<String> {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| PRESET.to_owned());
    let is_wanted = !matches!(pager.trim(), "" | "cat");
    (is_wanted && text.lines().count() >= LINES_MIN).then_some(pager)
}

/// Shows a text, and comes back when the user has read it. What closes early has seen enough.
///
/// # Errors
/// If there is no such program: nothing was shown then.
pub(super) fn show(pager: &str, text: &str) -> Result<()> {
    let mut command = Command::new("sh");
    // A pager may come with words of its own, as the shell takes them apart.
    command.args(["-c", pager]).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    // An interrupt is the pager's: whoever left it alone on the terminal would leave the terminal in its hands.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)));
    let mut child = command.spawn()?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
    let ended = child.wait()?;
    match written {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => return Err(cause),
        _ => {}
    }
    // What the shell says of a program that is not there, or not to be run.
    match ended.code() {
        Some(126 | 127) => Err(ErrorKind::NotFound.into()),
        _ => Ok(()),
    }
}
