//! The worker: takes messages, loads what they name, and decides what becomes of them.
//!
//! ```text
//! queue ── receive ──▶ taking, by table ── in_order ──▶ Worker::handle ──▶ Disposition ──▶ queue
//!                          │                                 │              done: deleted
//!                       Keeper: renews what is               │              back, retry: waits
//!                       taken, cuts what is lost         a Loader           dead: buried, with the reason
//!                                                        (what `backfill` does)
//! ```
//!
//! How a load is done is not decided here: the command line gives a [`Loader`], and it is the code of
//! `backfill`. AWS Lambda, which takes messages by itself, calls [`Worker::handle`] alone.

mod keeper;
mod run;
mod selection;
mod taking;
mod verdict;
mod worker;

pub use keeper::Taken;
pub use run::{Batch, Tally, run};
pub use selection::Selection;
pub use verdict::{Disposition, NOT_OURS_DELAY, RETRY_DELAYS};
pub use worker::{Loader, NOBODYS_AGE_MAX, Worker};
