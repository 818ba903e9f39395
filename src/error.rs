//! Every error of the program, sorted by what the operator can do about it.
//!
//! An error says *what* is wrong, *where* (object, record, line, byte, column), *why* (the cause it
//! wraps) and *what helps*. The variant alone decides the exit code.

use std::fmt;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where in the input a fault lies. Everything is optional: a missing bucket has no line.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Object or file, without signatures or credentials.
    pub uri: Option<String>,
    /// Data record, counted from 1; the header is not one.
    pub record: Option<u64>,
    /// Physical line, counted from 1; the header is line 1.
    pub line: Option<u64>,
    /// Offset in the uncompressed CSV (for compressed faults: in the compressed object).
    pub byte: Option<u64>,
    /// Column name.
    pub column: Option<String>,
}

impl Place {
    /// A place that names only the object.
    pub fn uri(uri: impl Into<String>) -> Self {
        Self { uri: Some(uri.into()), ..Self::default() }
    }

    /// A place that names only a byte offset.
    pub fn byte(byte: u64) -> Self {
        Self { byte: Some(byte), ..Self::default() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.uri.clone());
        parts.extend(self.record.map(|n| format!("record {n}")));
        parts.extend(self.line.map(|n| format!("line {n}")));
        parts.extend(self.byte.map(|n| format!("byte {n}")));
        parts.extend(self.column.as_ref().map(|name| format!("column {}", shown(name))));
        f.write_str(&parts.join(", "))
    }
}

/// What every error carries besides its class.
#[derive(Debug, Default)]
pub struct Detail {
    /// The fault, lower case, no full stop.
    pub what: String,
    /// Where it lies.
    pub place: Place,
    /// What the operator can do, as a sentence; empty if nothing helps.
    pub help: String,
    /// The cause underneath.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Detail {
    /// The words of all causes, each behind the one that it made.
    fn causes(&self) -> Option<String> {
        let first = self.cause.as_ref().map(|cause| &**cause as &dyn std::error::Error);
        let words: Vec<String> =
            std::iter::successors(first, |cause| cause.source()).map(ToString::to_string).collect();
        (!words.is_empty()).then(|| words.join(": "))
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.place != Place::default() {
            write!(f, " (at {})", self.place)?;
        }
        match self.causes() {
            Some(causes) => write!(f, ": {causes}"),
            None => Ok(()),
        }
    }
}

/// All the ways a run can end badly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong flags or configuration: correct the command. Exit code 2.
    #[error("{0}")]
    Usage(Box<Detail>),
    /// Credentials, permissions or existence of something outside: grant it or name it right. Exit code 3.
    #[error("{0}")]
    Access(Box<Detail>),
    /// The file's columns or a table's types do not fit the schema: refresh the schema or allow it. Exit code 4.
    #[error("{0}")]
    Schema(Box<Detail>),
    /// Too many rejects, or a table would shrink: read the rejects and look at the export, then fix the source or
    /// allow it. Exit code 5.
    #[error("{0}")]
    Rejects(Box<Detail>),
    /// Counts that must agree do not: nothing was loaded; report it. Exit code 6.
    #[error("{0}")]
    Counts(Box<Detail>),
    /// A passing fault: run it again. Exit code 7.
    #[error("{0}")]
    Transient(Box<Detail>),
    /// The input is damaged, cut off, or changed under our hands: get the export anew. Exit code 1.
    #[error("{0}")]
    Input(Box<Detail>),
    /// The machine refuses (disk full, I/O error): fix the machine. Exit code 1.
    #[error("{0}")]
    Machine(Box<Detail>),
    /// Stopped by a signal. Exit code 130.
    #[error("interrupted: what was under way changed nothing")]
    Interrupted,
}

macro_rules! constructors {
    ($($name:ident => $variant:ident),* $(,)?) => { $(
        #[doc = concat!("A new [`Error::", stringify!($variant), "`]; `what` is lower case, without a full stop.")]
        pub fn $name(what: impl Into<String>) -> Self {
            Self::$variant(Box::new(Detail { what: what.into(), ..Detail::default() }))
        }
    )* };
}

impl Error {
    constructors! {
        usage => Usage, access => Access, schema => Schema, rejects => Rejects,
        counts => Counts, transient => Transient, input => Input, machine => Machine,
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        if let Some(detail) = self.detail_mut() {
            detail.place = place;
        }
        self
    }

    /// Adds the object's name to the place, unless it has one.
    #[must_use]
    pub fn in_object(mut self, uri: &str) -> Self {
        if let Some(detail) = self.detail_mut() {
            detail.place.uri.get_or_insert_with(|| uri.to_owned());
        }
        self
    }

    /// Says what the operator can do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(detail) = self.detail_mut() {
            detail.help = help.into();
        }
        self
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        if let Some(detail) = self.detail_mut() {
            detail.cause = Some(cause.into());
        }
        self
    }

    /// An I/O error on a local path, sorted by what the operator can do about it.
    pub fn io(what: impl Into<String>, path: &std::path::Path, cause: std::io::Error) -> Self {
        Self::from_io(what, Place::uri(path.display().to_string()), cause)
    }

    /// An I/O error anywhere, sorted by what the operator can do about it.
    pub fn from_io(what: impl Into<String>, place: Place, cause: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let what = what.into();
        let (error, help) = match cause.kind() {
            Kind::NotFound => (Self::access(what), "check the path"),
            Kind::PermissionDenied => (Self::access(what), "grant this user access to the path"),
            Kind::StorageFull | Kind::QuotaExceeded => {
                (Self::machine(what), "free some space or write to another disk, then run again")
            }
            Kind::FileTooLarge => (
                Self::machine(what),
                "this process may write no file of that length (`ulimit -f`): raise the limit",
            ),
            _ => (Self::machine(what), ""),
        };
        error.at(place).help(help).because(cause)
    }

    /// An error of a library, sorted as the I/O error that it wraps, if it wraps one.
    pub fn from_library(
        what: impl Into<String>,
        place: Place,
        cause: Box<dyn std::error::Error + Send + Sync>,
    ) -> Self {
        match cause.downcast::<std::io::Error>() {
            Ok(cause) => Self::from_io(what, place, *cause),
            Err(cause) => Self::machine(what).at(place).because(cause),
        }
    }

    /// The detail, which an interrupt has none of.
    pub fn detail(&self) -> Option<&Detail> {
        match self {
            Self::Usage(d)
            | Self::Access(d)
            | Self::Schema(d)
            | Self::Rejects(d)
            | Self::Counts(d)
            | Self::Transient(d)
            | Self::Input(d)
            | Self::Machine(d) => Some(d),
            Self::Interrupted => None,
        }
    }

    fn detail_mut(&mut self) -> Option<&mut Detail> {
        match self {
            Self::Usage(d)
            | Self::Access(d)
            | Self::Schema(d)
            | Self::Rejects(d)
            | Self::Counts(d)
            | Self::Transient(d)
            | Self::Input(d)
            | Self::Machine(d) => Some(d),
            Self::Interrupted => None,
        }
    }

    /// The class in one word: the same for every text.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Access(_) => "access",
            Self::Schema(_) => "schema",
            Self::Rejects(_) => "rejects",
            Self::Counts(_) => "counts",
            Self::Transient(_) => "transient",
            Self::Input(_) => "input",
            Self::Machine(_) => "machine",
            Self::Interrupted => "interrupted",
        }
    }

    /// An error of the same class that says something else; an interrupt says what it says.
    #[must_use]
    pub fn like(&self, what: impl Into<String>) -> Self {
        match self {
            Self::Usage(_) => Self::usage(what),
            Self::Access(_) => Self::access(what),
            Self::Schema(_) => Self::schema(what),
            Self::Rejects(_) => Self::rejects(what),
            Self::Counts(_) => Self::counts(what),
            Self::Transient(_) => Self::transient(what),
            Self::Input(_) => Self::input(what),
            Self::Machine(_) => Self::machine(what),
            Self::Interrupted => Self::Interrupted,
        }
    }

    /// The same once more, for another who must hear of it; its causes have become their words.
    #[must_use]
    pub fn copied(&self) -> Self {
        let Some(detail) = self.detail() else { return Self::Interrupted };
        let copy = self.like(&*detail.what).at(detail.place.clone()).help(&*detail.help);
        match detail.causes() {
            Some(causes) => copy.because(causes),
            None => copy,
        }
    }

    /// Its place among failures that end together: 0 is the worst, whose exit code is that of all.
    pub fn rank(&self) -> usize {
        let code = self.exit_code();
        WORST_FIRST.iter().position(|worse| *worse == code).unwrap_or(WORST_FIRST.len())
    }

    /// The process's exit code, as the README lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) | Self::Machine(_) => 1,
            Self::Usage(_) => 2,
            Self::Access(_) => 3,
            Self::Schema(_) => 4,
            Self::Rejects(_) => 5,
            Self::Counts(_) => 6,
            Self::Transient(_) => 7,
            Self::Interrupted => 130,
        }
    }
}

/// An error as it goes to another process.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// [`Error::class`].
    class: String,
    what: String,
    place: Place,
    help: String,
    causes: Option<String>,
}

impl From<&Error> for Told {
    fn from(error: &Error) -> Self {
        let class = error.class().to_owned();
        let Some(detail) = error.detail() else {
            return Self {
                class,
                what: String::new(),
                place: Place::default(),
                help: String::new(),
                causes: None,
            };
        };
        let Detail { what, place, help, .. } = detail;
        Self { class, what: what.clone(), place: place.clone(), help: help.clone(), causes: detail.causes() }
    }
}

impl From<Told> for Error {
    /// An error of a class that is not known is one of the machine.
    fn from(told: Told) -> Self {
        let new = match told.class.as_str() {
            "usage" => Self::usage,
            "access" => Self::access,
            "schema" => Self::schema,
            "rejects" => Self::rejects,
            "counts" => Self::counts,
            "transient" => Self::transient,
            "input" => Self::input,
            "interrupted" => return Self::Interrupted,
            _ => Self::machine,
        };
        let error = new(told.what).at(told.place).help(told.help);
        match told.causes {
            Some(causes) => error.because(causes),
            None => error,
        }
    }
}

/// Exit codes of failures, the worst first: what was asked for (130); what must never be (6); what keeps every table
/// from loading until somebody acts (2, 3); what concerns one table (4, 5, 1); what passes by itself (7).
const WORST_FIRST: [u8; 8] = [130, 6, 2, 3, 4, 5, 1, 7];

/// An error with all its causes in one line, none said twice: some repeat what is underneath.
#[cfg(feature = "aws")]
pub(crate) fn in_full(error: &dyn std::error::Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text += &format!(": {words}");
        }
        next = cause.source();
    }
    text
}

/// Characters of a name from outside that a message shows.
const NAME_CHARS_MAX: usize = 80;

/// A name from outside as messages show it: between quotes, control characters escaped, cut to a readable length.
pub fn shown(name: &str) -> String {
    match within(name, NAME_CHARS_MAX) {
        Some(kept) => format!("{kept:?}…"),
        None => format!("{name:?}"),
    }
}

/// So many characters of a text, if it has more.
fn within(text: &str, chars_max: usize) -> Option<&str> {
    text.char_indices().nth(chars_max).map(|(at, _)| &text[..at])
}

/// The text, with an ellipsis if it has more characters than this. Whatever comes from outside goes through here
/// before it becomes part of a message: servers answer with whole pages, and a file may be one long name.
pub fn cut(text: &str, chars_max: usize) -> String {
    within(text, chars_max).map_or_else(|| text.to_owned(), |kept| format!("{kept}…"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_place_among_the_worst() {
        let all = [
            Error::Interrupted,
            Error::counts("x"),
            Error::usage("x"),
            Error::access("x"),
            Error::schema("x"),
            Error::rejects("x"),
            Error::input("x"),
            Error::machine("x"),
            Error::transient("x"),
        ];
        let ranks: Vec<usize> = all.iter().map(Error::rank).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4, 5, 6, 6, 7]);
        for error in &all {
            assert_eq!((error.like("y").class(), error.like("y").rank()), (error.class(), error.rank()));
        }
    }

    #[test]
    fn a_copy_says_the_same() {
        let cause = Error::machine("under").because(std::io::Error::other("lowest"));
        let error = Error::input("over").at(Place::byte(7)).help("mend it").because(cause);
        let help = |error: &Error| error.detail().map(|detail| detail.help.clone());
        for error in [error, Error::rejects("alone"), Error::counts("c").help("h"), Error::Interrupted] {
            let text = serde_json::to_string(&Told::from(&error)).unwrap();
            let told = Error::from(serde_json::from_str::<Told>(&text).unwrap());
            for copy in [error.copied(), told] {
                assert_eq!(
                    (copy.to_string(), copy.class(), help(&copy)),
                    (error.to_string(), error.class(), help(&error))
                );
            }
        }
        assert_eq!(Error::Interrupted.copied().exit_code(), 130);
    }

    #[test]
    fn long_and_odd_names_are_shown_safely() {
        assert_eq!(shown("a\u{1b}[31m\n"), r#""a\u{1b}[31m\n""#);
        assert_eq!(shown("a…"), r#""a…""#);
        assert_eq!(shown(&"é".repeat(1000)).chars().count(), NAME_CHARS_MAX + 3);
        let place = Place { column: Some("x".repeat(270_000)), ..Place::default() };
        assert!(place.to_string().len() < 200, "{} bytes", place.to_string().len());
    }
}
