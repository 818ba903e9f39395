//! What was looked at before a load, one thing after the other, as data.

use crate::error::{Error, Result};
use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What it is.
    pub name: String,
    /// Whether it is as a load needs it.
    pub ok: bool,
    /// What was found, or what is wrong.
    pub found: String,
    /// What the operator can do about it.
    pub help: Option<String>,
}

/// Takes what was looked at, one by one, and passes each on as it comes: some take seconds.
pub struct Checklist<'a> {
    heard: &'a mut dyn FnMut(&Checked),
    /// All of them, in order.
    pub checked: Vec<Checked>,
    first: Option<Error>,
}

impl<'a> Checklist<'a> {
    /// An empty list; `heard` is told each thing at once.
    pub fn new(heard: &'a mut dyn FnMut(&Checked)) -> Self {
        Self { heard, checked: Vec::new(), first: None }
    }

    /// Notes how a check ended, and gives what it found.
    pub fn is<T>(&mut self, name: &str, result: Result<(T, String)>) -> Option<T> {
        let (value, found, error) = match result {
            Ok((value, found)) => (Some(value), found, None),
            Err(error) => (None, error.to_string(), Some(error)),
        };
        let help = error.as_ref().and_then(Error::detail).map(|detail| detail.help.clone());
        let help = help.filter(|help| !help.is_empty());
        let checked = Checked { name: name.to_owned(), ok: error.is_none(), found, help };
        (self.heard)(&checked);
        self.checked.push(checked);
        self.first = self.first.take().or(error);
        value
    }

    /// As [`Checklist::is`], for what finds words alone.
    pub fn says(&mut self, name: &str, result: Result<String>) -> bool {
        self.is(name, result.map(|found| ((), found))).is_some()
    }

    /// An error of the first one's class, whose exit code says what to fix first.
    ///
    /// # Errors
    /// If anything was not as a load needs it.
    pub fn end(self) -> Result<Vec<Checked>, (Vec<Checked>, Error)> {
        let Some(first) = self.first else { return Ok(self.checked) };
        let failed = self.checked.iter().filter(|checked| !checked.ok).count();
        let what = format!("{failed} of {} checks failed", self.checked.len());
        let error = first.like(what);
        Err((self.checked, error.help("fix the first one first; it may cause the others")))
    }
}
