//! Keeps the structure as `ARCHITECTURE.md` draws it: imports run one way, between modules and between files; pure
//! modules stay pure, `unsafe` stays in its place, files stay small.
//!
//! ```text
//! tree (files by their `mod` lines) ─▶ uses (paths in code) ─▶ arrows (who defines the name) ─▶ circles
//!                                                                        plan ─▶ rules ◀──────────┘
//! ```
//! `broken` breaks a small tree in every way and expects the fault.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod arrows;
mod broken;
mod circles;
mod document;
mod plan;
mod rules;
mod tree;
mod uses;

use plan::PLAN;
use rules::Rule;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn keep(rule: Rule) {
    let faults = rule(root(), &PLAN);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_plan_runs_one_way() {
    let faults = plan::faults(&PLAN);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_document_says_what_the_plan_says() {
    let document = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let differences = document::differences(&document, &PLAN);
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn every_module_is_in_the_plan() {
    keep(rules::modules_are_planned);
}

#[test]
fn imports_run_one_way() {
    keep(rules::imports_are_planned);
}

#[test]
fn modules_have_no_circle() {
    keep(rules::no_module_circle);
}

#[test]
fn files_have_no_circle() {
    keep(rules::no_file_circle);
}

#[test]
fn pure_modules_stay_pure() {
    keep(rules::pure_is_pure);
}

#[test]
fn unsafe_stays_in_its_modules() {
    keep(rules::unsafe_is_planned);
}

#[test]
fn files_stay_small() {
    keep(rules::files_are_small);
}
