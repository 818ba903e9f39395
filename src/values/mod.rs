//! The text forms of PostgreSQL's types, read exactly, and times and floats written. Pure, scalar, for one value at a time.
//!
//! ```text
//! field bytes, unescaped ── boolean · integer · decimal · timestamp · … ──▶ Ok(value)
//!                                                                     └──▶ Err(Rule): what to call the fault
//! ```
//!
//! Nothing is guessed, rounded or wrapped around: what PostgreSQL could not have meant is a [`Rule`].
//! These readers are the reference for the fast decoder, which must agree with them on every input. A [`Measure`] is
//! what a report says of many values.

#![forbid(unsafe_code)]

mod boolean;
mod calendar;
mod decimal;
mod figure;
mod float;
mod geography;
mod integer;
mod json;
mod measure;
mod parts;
#[cfg(test)]
mod properties;
mod rule;
mod timestamp;
mod uuid;
mod width;
mod written;

pub use crate::schema::DECIMAL_PRECISION_MAX;
pub use boolean::boolean;
pub use calendar::{civil_from_days, days_from_civil, days_in_month, is_leap_year};
pub use decimal::decimal;
pub use figure::Figure;
pub use float::{double, real};
pub use geography::geography;
pub use integer::{big_int, integer, small_int};
pub use measure::{
    FLOAT_SUMMED_MAX, Form, Measure, Numbers, SUM_DIGITS_MAX, Texts, float_summed, hash_summed, text_hash,
};
pub use rule::Rule;
pub use timestamp::{date, timestamp, timestamp_tz};
pub use uuid::uuid;
pub use width::{fits, surely_fits, truncate};
pub use written::{WrittenDate, WrittenFloat, WrittenTimestamp};
