//! The names of what can be wrong with a record, as reports and the rejects file spell them.

use std::fmt;

/// The rule that a record or one of its fields breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// Not one of the forms of a boolean.
    Boolean,
    /// Not a whole number.
    Integer,
    /// A number or time beyond what its type holds.
    Range,
    /// Not a decimal number.
    Decimal,
    /// More non-zero decimals than the column has.
    Scale,
    /// `NaN`, which no target column can hold exactly.
    Nan,
    /// `infinity` or `-infinity`.
    Infinity,
    /// Not a floating-point number.
    Float,
    /// Not a timestamp of the calendar.
    Timestamp,
    /// Not a date of the calendar.
    Date,
    /// Not a UUID of 36 characters.
    Uuid,
    /// Not hexadecimal EWKB.
    Geography,
    /// Not what a rule of privacy makes, in a field that says it is.
    Masked,
    /// Wider than the column, and truncation is off, or the value has a form that a cut would break.
    Overlong,
    /// NULL in a column that does not allow it.
    NotNull,
    /// Bytes that are not UTF-8.
    Utf8,
    /// A NUL byte.
    Nul,
    /// A quote inside an unquoted field, or text after a closing quote.
    Quote,
    /// A carriage return outside quotes that is no part of a line end, as the header's tells.
    CarriageReturn,
    /// A newline alone ends the record, and a carriage return and a newline the header.
    Newline,
    /// Too many or too few fields.
    Fields,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 21] = [
        Self::Boolean,
        Self::Integer,
        Self::Range,
        Self::Decimal,
        Self::Scale,
        Self::Nan,
        Self::Infinity,
        Self::Float,
        Self::Timestamp,
        Self::Date,
        Self::Uuid,
        Self::Geography,
        Self::Masked,
        Self::Overlong,
        Self::NotNull,
        Self::Utf8,
        Self::Nul,
        Self::Quote,
        Self::CarriageReturn,
        Self::Newline,
        Self::Fields,
    ];

    /// The name that reports use. A contract: scripts match on it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Range => "range",
            Self::Decimal => "decimal",
            Self::Scale => "scale",
            Self::Nan => "nan",
            Self::Infinity => "infinity",
            Self::Float => "float",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Uuid => "uuid",
            Self::Geography => "geography",
            Self::Masked => "masked",
            Self::Overlong => "overlong",
            Self::NotNull => "not_null",
            Self::Utf8 => "utf8",
            Self::Nul => "nul",
            Self::Quote => "quote",
            Self::CarriageReturn => "carriage_return",
            Self::Newline => "newline",
            Self::Fields => "fields",
        }
    }

    /// What the operator can do about it, short.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Boolean => "write t, f, true, false, yes, no, on, off, 1 or 0",
            Self::Integer => "write a whole number in plain digits",
            Self::Range => "correct the value, or widen the column in the schema",
            Self::Decimal => "write plain digits with at most one point, without an exponent",
            Self::Scale => "round the value, or give the column more decimals in the schema",
            Self::Nan => "replace NaN by NULL or a number at the source",
            Self::Infinity => "replace infinity by NULL or a finite value at the source",
            Self::Float => "write a number such as 1.5 or 1e-7",
            Self::Timestamp => {
                "write a real time as YYYY-MM-DD HH:MM:SS[.ffffff], in UTC unless the type has a zone"
            }
            Self::Date => "write a real day as YYYY-MM-DD",
            Self::Uuid => "write 32 hexadecimal digits in groups of 8-4-4-4-12",
            Self::Geography => "write EWKB as hexadecimal digits, as PostGIS exports it",
            Self::Masked => {
                "leave what the rule of privacy made as it was, or load the record as the export has it"
            }
            Self::Overlong => {
                "shorten the value or widen the column; --overlong truncate cuts plain text, and nothing else"
            }
            Self::NotNull => "fill the value at the source, or allow NULL in the schema",
            Self::Utf8 => "export the table with client_encoding UTF8",
            Self::Nul => "remove the NUL byte; PostgreSQL text never holds one",
            Self::Quote => "quote the whole field and double the quotes inside it",
            Self::CarriageReturn => "quote fields that hold a carriage return, and end all lines alike",
            Self::Newline => "quote fields that hold a newline, and end all lines alike",
            Self::Fields => {
                "make the record's fields match the header; look for an unquoted comma or newline"
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_snake_case_and_have_advice() {
        let names: std::collections::BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            let is_name_byte = |b: u8| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit();
            assert!(rule.as_str().bytes().all(is_name_byte), "{rule}");
            assert!(!rule.help().is_empty() && !rule.help().ends_with('.'), "{rule}");
        }
    }
}
