//! What a report says of a column: numbers that anybody may see, and that one SELECT gives of a table.

use crate::privacy::Rule;
use crate::values::{Figure, Form, Measure};
use serde::{Deserialize, Serialize};

/// One column that was written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Its name, as the files have it.
    pub name: String,
    /// Rows without a value.
    #[serde(default)]
    pub nulls: u64,
    /// Empty texts.
    #[serde(default)]
    pub empties: u64,
    /// Bytes of its texts in UTF-8, after cutting; 0 for any other type.
    #[serde(default)]
    pub bytes: u64,
    /// The least number or time; none of texts, which are somebody's, and of booleans.
    #[serde(default)]
    pub min: Option<Figure>,
    /// The greatest.
    #[serde(default)]
    pub max: Option<Figure>,
    /// All numbers together: of booleans how many are true, of dates days and of times microseconds since 1970;
    /// none of decimals with more than [`crate::values::SUM_DIGITS_MAX`] digits. Of texts the sum of their
    /// 64-bit FNV-1a hashes, which `verify` alone asks for.
    #[serde(default)]
    pub sum: Option<Figure>,
    /// Values cut to its width.
    pub truncated: u64,
    /// The rule of privacy by which its values were made.
    #[serde(default)]
    pub privacy: Rule,
}

impl ColumnReport {
    /// The report of a column that was summed up.
    pub fn of(name: &str, form: Form, measure: &Measure) -> Self {
        let (min, max) = measure.numbers.map_or((None, None), |numbers| form.range(numbers));
        let hashes = measure.texts.hashes.filter(|_| form == Form::Text);
        Self {
            name: name.to_owned(),
            nulls: measure.nulls,
            empties: measure.texts.empties,
            bytes: measure.texts.bytes,
            min,
            max,
            sum: hashes.map(Figure::integer).or_else(|| form.sum(measure.numbers?)),
            truncated: measure.truncated,
            privacy: Rule::Keep,
        }
    }

    /// Whether anything but cut values was counted. Earlier programs counted nothing else; a column of a table
    /// that has rows always comes to something.
    pub fn is_measured(&self) -> bool {
        self.nulls + self.empties + self.bytes > 0 || self.min.is_some() || self.sum.is_some()
    }
}
