//! People's values: which columns are written as they are, and what becomes of the others. Pure.
//!
//! ```text
//! rules, preset, key ─▶ Policy ─┬─ decide: which rule a column has ─▶ schema: the table as the warehouse has it
//!                               └─ transform: a value ─▶ what may be written ─▶ pages, rejects
//! ```
//!
//! Applied before anything is written: what a rule hides is in no file, no log and no message.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod erased;
mod policy;
mod preset;
mod rule;
mod values;

pub use erased::{MARKS_MAX, Mark, Marked, MarkedField, Marks};
pub use policy::{Decision, KEY_BYTES_MIN, NewColumns, Policy, PolicyId, Preset, RULES_MAX, Rules, Why};
pub use preset::{Class, class_of};
pub use rule::{HASH_CHARS, Rule};
pub use values::Transform;
