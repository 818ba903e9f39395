//! The text forms of PostgreSQL's types, read exactly. Pure, scalar, for one value at a time.
//!
//! ```text
//! field bytes, unescaped ── boolean · integer · decimal · timestamp · … ──▶ Ok(value)
//!                                                                     └──▶ Err(Rule): what to call the fault
//! ```
//!
//! Nothing is guessed, rounded or wrapped around: what PostgreSQL could not have meant is a [`Rule`].
//! These readers are the reference for the fast decoder, which must agree with them on every input.

#![forbid(unsafe_code)]

mod boolean;
mod calendar;
mod decimal;
mod float;
mod geography;
mod integer;
mod json;
#[cfg(test)]
mod properties;
mod rule;
mod timestamp;
mod uuid;
mod width;

pub use crate::schema::DECIMAL_PRECISION_MAX;
pub use boolean::boolean;
pub use calendar::{days_from_civil, days_in_month, is_leap_year};
pub use decimal::decimal;
pub use float::{double, real};
pub use geography::geography;
pub use integer::{big_int, integer, small_int};
pub use rule::Rule;
pub use timestamp::{date, timestamp, timestamp_tz};
pub use uuid::uuid;
pub use width::{fits, surely_fits, truncate};

/// The bytes without the white space that C's `isspace` knows, which PostgreSQL skips around numbers
/// and booleans. The vertical tab is one, though not for Rust's `is_ascii_whitespace`.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Whether the bytes are `inf` or `infinity`, signed or not, in any case.
fn is_infinity(bytes: &[u8]) -> bool {
    let (_, bare) = split_sign(bytes);
    bare.eq_ignore_ascii_case(b"infinity") || bare.eq_ignore_ascii_case(b"inf")
}

/// Takes one leading sign off; true means minus.
fn split_sign(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    }
}
