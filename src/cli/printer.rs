//! The one place that decides what is shown where.
//!
//! ```text
//! results ─────────────────────▶ stdout, or nothing beside --json
//! JSON (--json) ───────────────▶ stdout, and nothing else goes there
//! notes, progress ─────────────▶ stderr, unless --quiet
//! errors and how to fix them ─▶ stderr, always
//! ```

use super::args::Color;
use super::pager;
use crate::error::{Error, Result};
use anstream::{AutoStream, ColorChoice};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Advice after an interrupt, the only error without a detail.
const AFTER_INTERRUPT: &str = "what was loaded before stays; run it again when you like";

/// Decides by the flags and by what stdout and stderr are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    json: bool,
    quiet: bool,
    stderr_is_terminal: bool,
    /// Whether long lists go through a pager.
    pages: bool,
    /// Whether colours are shown on stdout, and on stderr.
    paints: (bool, bool),
}

/// What a line is about, as its colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    Plain,
    /// All is well.
    Good,
    /// Something is wrong.
    Bad,
}

impl Tone {
    fn paint(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Good => format!("\u{1b}[32m{text}\u{1b}[0m"),
            Self::Bad => format!("\u{1b}[31m{text}\u{1b}[0m"),
        }
    }
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressStyle {
    /// A bar that moves, on a terminal.
    Bar,
    /// A line now and then, in logs.
    Lines,
    /// Nothing.
    Silent,
}

impl Printer {
    /// A printer for these flags.
    pub(super) fn new(json: bool, quiet: bool) -> Self {
        let stderr_is_terminal = std::io::stderr().is_terminal();
        Self { json, quiet, stderr_is_terminal, pages: false, paints: (false, false) }
    }

    /// The same with colours, and with a pager if stdout is a terminal.
    pub(super) fn with_looks(self, color: Color, pages: bool) -> Self {
        let is_painted = |choice| choice != ColorChoice::Never;
        let paints = match color {
            Color::Always => (true, true),
            Color::Never => (false, false),
            Color::Auto => (
                is_painted(AutoStream::choice(&std::io::stdout())),
                is_painted(AutoStream::choice(&std::io::stderr())),
            ),
        };
        Self { pages: pages && std::io::stdout().is_terminal(), paints, ..self }
    }

    /// Whether a long list is shown through a pager.
    #[cfg(feature = "query")]
    pub(super) fn is_paged(self) -> bool {
        self.pages
    }

    /// Whether results are asked for as JSON.
    #[cfg(feature = "query")]
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Whether stderr is somebody's terminal, and no log.
    pub(super) fn speaks_to_a_person(self) -> bool {
        self.stderr_is_terminal
    }

    /// How progress is to be shown.
    pub(super) fn progress_style(self) -> ProgressStyle {
        match (self.quiet, self.stderr_is_terminal) {
            (true, _) => ProgressStyle::Silent,
            (false, true) => ProgressStyle::Bar,
            (false, false) => ProgressStyle::Lines,
        }
    }

    /// A result for people; with `--json` the JSON says it.
    ///
    /// # Errors
    /// If stdout refuses.
    pub(super) fn result(self, text: &str) -> Result<()> {
        if self.json {
            return Ok(());
        }
        self.raw(format!("{}\n", harmless(text.trim_end_matches('\n'))).as_bytes())
    }

    /// A result for people that may be long: through the pager on a terminal.
    ///
    /// # Errors
    /// If stdout refuses.
    pub(super) fn long(self, text: &str) -> Result<()> {
        self.lines(text.trim_end_matches('\n').split('\n').map(|line| (Tone::Plain, line)))
    }

    /// The same line by line, each with its tone.
    ///
    /// # Errors
    /// If stdout refuses.
    pub(super) fn lines<'a>(self, lines: impl IntoIterator<Item = (Tone, &'a str)>) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let mut text = String::new();
        for (tone, line) in lines {
            let line = harmless(line);
            text += &if self.paints.0 { tone.paint(&line) } else { line.into_owned() };
            text.push('\n');
        }
        let pager = self.pages.then(|| pager::of(&text)).flatten();
        if pager.is_some_and(|pager| pager::show(&pager, &text).is_ok()) {
            HAS_PRINTED.store(true, Relaxed);
            return Ok(());
        }
        written(&mut Noticed(std::io::stdout().lock()), text.as_bytes())
    }

    /// A result for scripts, on one line; only with `--json`.
    ///
    /// # Errors
    /// If stdout refuses.
    pub(super) fn json(self, value: &impl Serialize) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let mut line = serde_json::to_vec(value)
            .map_err(|cause| Error::machine("cannot write the result as JSON").because(cause))?;
        line.push(b'\n');
        self.raw(&line)
    }

    /// Where a result goes piece by piece: as it is into a file or a pipe, [`harmless`] on a terminal.
    pub(super) fn pieces(self) -> Box<dyn Write> {
        let stdout = Noticed(std::io::stdout().lock());
        if stdout.0.is_terminal() { Box::new(Harmless::new(stdout)) } else { Box::new(stdout) }
    }

    /// Bytes that are the result whatever the flags say: a fetched file, a completion script.
    ///
    /// # Errors
    /// If stdout refuses; a reader that went away (`| head`) has had enough, which is no error.
    pub(super) fn raw(self, bytes: &[u8]) -> Result<()> {
        written(&mut *self.pieces(), bytes)
    }

    /// With `--json`, an error as JSON on stdout, where nothing else has come there: whoever reads JSON always gets some.
    pub(super) fn failure(self, error: &Error) {
        if !self.json || HAS_PRINTED.load(Relaxed) {
            return;
        }
        let detail = error.detail();
        let help = detail.map_or(AFTER_INTERRUPT, |detail| detail.help.as_str());
        let told = serde_json::json!({ "error": {
            "class": error.class(),
            "exit_code": error.exit_code(),
            "message": error.to_string(),
            "help": help,
            "place": detail.map(|detail| &detail.place),
        }});
        // The error itself is told on stderr, whatever becomes of this.
        let _ = self.json(&told);
    }

    /// Something worth knowing beside the result.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// One line on stderr for a machine, whatever the flags say.
    pub(super) fn line(self, text: &str) {
        to_stderr(text);
    }

    /// What went wrong and what can be done about it.
    pub(super) fn error(self, error: &Error) {
        self.error_of("", error);
    }

    /// The same of one among many: `whose` stands before it.
    pub(super) fn error_of(self, whose: &str, error: &Error) {
        let help = error.detail().map_or(AFTER_INTERRUPT, |detail| detail.help.as_str());
        let word = if self.paints.1 { Tone::Bad.paint("error:") } else { "error:".to_owned() };
        let _ = writeln!(std::io::stderr().lock(), "{word} {}", harmless(&format!("{whose}{error}")));
        if !help.is_empty() {
            to_stderr(&format!("  help: {help}"));
        }
    }
}

fn written(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            Err(Error::machine("cannot write to standard output").because(cause))
        }
        _ => Ok(()),
    }
}

/// Whether something has gone to stdout.
static HAS_PRINTED: AtomicBool = AtomicBool::new(false);

/// Stdout, whose use is noticed.
struct Noticed<W>(W);

impl<W: Write> Write for Noticed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        HAS_PRINTED.store(true, Relaxed);
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// A closed stderr must not turn a run that succeeded into a panic, so its errors have nowhere to go.
fn to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(text));
}

/// The text with its control characters escaped, `\u001b`: what stands in a file or its name must not command
/// the terminal, nor turn the order of what is read. Lines stay lines, and JSON stays JSON.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(commands) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if commands(letter) {
            shown += &format!("\\u{:04x}", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Controls of C0 and C1 but for line ends and tabs, and those of Unicode's bidirectional algorithm (UAX 9) with
/// the other separators of lines.
fn commands(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => letter.is_control(),
    }
}

/// Text that goes through [`harmless`] on its way. What a write cuts in the middle of a letter waits for the next.
pub(super) struct Harmless<W> {
    out: W,
    begun: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, begun: Vec::new() }
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            // A letter has at most four bytes: what is longer is none that could still end.
            Err(fault) if fault.error_len().is_none() => fault.valid_up_to(),
            _ => self.begun.len(),
        };
        let begun = self.begun.split_off(whole);
        let text = String::from_utf8_lossy(&self.begun).into_owned();
        self.begun = begun;
        self.out.write_all(harmless(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Rows with their cells under each other, two blanks between, no blanks at the end.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let wide = |text: &String| text.chars().count();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..count).map(|at| rows.iter().filter_map(|row| row.get(at)).map(wide).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - wide(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_the_terminal() {
        for (text, shown) in [
            ("two\nlines\tä", "two\nlines\tä"),
            ("a\u{1b}]0;pwn\u{7}b\r", "a\\u001b]0;pwn\\u0007b\\u000d"),
            ("\u{9b}31m\0\u{7f}", "\\u009b31m\\u0000\\u007f"),
            ("a\u{202e}b\u{2066}c\u{200f}d\u{2028}e", "a\\u202eb\\u2066c\\u200fd\\u2028e"),
            ("zero\u{200b}width\u{200d}", "zero\u{200b}width\u{200d}"),
        ] {
            assert_eq!(harmless(text), shown);
            for step in 1..=4 {
                let mut out = Harmless::new(Vec::new());
                text.as_bytes().chunks(step).for_each(|part| out.write_all(part).unwrap());
                assert_eq!(String::from_utf8(out.out).unwrap(), shown, "{step} bytes at once");
            }
        }
        let json = format!("{{\"a\":\"{}\"}}", "\u{9b}\u{202e}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&harmless(&json)).unwrap(),
            serde_json::from_str::<serde_json::Value>(&json).unwrap()
        );
    }

    #[test]
    fn cells_stand_under_each_other() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows = [row(&["a", "bé", "c"]), row(&["long", "", "x"]), row(&["y"])];
        assert_eq!(columns(&rows), "a     bé  c\nlong      x\ny\n");
        assert_eq!(columns(&[]), "");
    }
}
