//! The contract of all warehouses against a real Redshift: CONTRIBUTING.md says which variables name it.
//! Without them nothing is tested, and the test says so. That the test itself can fail and pass is shown by
//! `tests/redshift`, which runs it against the stand-in.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

#[path = "warehouse/contract.rs"]
mod contract;
#[path = "redshift/live.rs"]
mod live;
#[path = "warehouse/segments.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod segments;

#[test]
fn keeps_the_contract() {
    if live::setting("DATABASE").is_none() {
        println!("not run: CSL_LIVE_REDSHIFT_DATABASE is not set (see CONTRIBUTING.md)");
        return;
    }
    live::keeps_the_contract();
}
