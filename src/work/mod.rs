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
pub use verdict::{
    BEGUN_MAX, DEATH_DELAYS, Disposition, EXPORT_LIFE, NOT_OURS_DELAY, Past, RETRY_DELAYS, delay_after,
};
pub use worker::{Loader, NOBODYS_AGE_MAX, Worker};
