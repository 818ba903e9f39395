//! Pages for people: what is there, what is wrong, and what to do.
//!
//! ```text
//!  ops::state, ops::loads ──▶ sources ──▶ a page's model ──┬─▶ html      a person
//!  (each with a time-out)                 (plain structs)  ├─▶ JSON      a program; openapi describes it
//!                                                          └─▶ markdown  a ticket
//! ```
//! A page is one struct, and every form of it is made from that struct alone: they cannot differ. The models are
//! pure. No person's value is in any of them: neither what was rejected, nor the least and greatest of a column.

#[cfg(feature = "serve")]
mod chart;
mod html;
mod load;
mod markdown;
#[cfg(feature = "serve")]
mod overview;
#[cfg(feature = "serve")]
mod queue;
#[cfg(feature = "serve")]
mod settings;
#[cfg(feature = "serve")]
mod sources;
mod step;
#[cfg(feature = "serve")]
mod table;
#[cfg(feature = "serve")]
mod web;

pub use html::one_page;
pub use load::LoadPage;
pub use markdown::markdown;
#[cfg(feature = "serve")]
pub use web::{DEFAULT_LISTEN, serve};
