//! What stands in for Redshift in a build without its feature: advice.

use super::printer::Printer;
use super::target::Load;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::schema::Layout;
use crate::warehouse::Warehouse;
use serde::Serialize;

/// Cannot be made.
#[derive(Debug)]
pub(super) enum Target {}

/// Cannot be made.
#[derive(Debug, Serialize)]
pub(super) enum TargetPlan {}

fn absent() -> Error {
    Error::usage("this csl-stream was built without the aws feature")
        .help("load into a folder: --to ./warehouse, or use a build with the aws feature")
}

impl Target {
    pub(super) fn of(_config: &Config) -> Result<Self> {
        Err(absent())
    }

    pub(super) fn warehouse(&self) -> &dyn Warehouse {
        match *self {}
    }

    pub(super) fn shown(&self) -> String {
        match *self {}
    }

    pub(super) fn preflight(&self, _load: &Load<'_>, _id: &str) -> Result<String> {
        match *self {}
    }

    pub(super) fn plan(&self, _load: &Load<'_>, _layout: &Layout, _rows: u64) -> Result<TargetPlan> {
        match *self {}
    }

    pub(super) fn stop_when(&mut self, _stop: impl Fn() -> bool) {
        match *self {}
    }

    pub(super) fn check(&self, _config: &Config, _tables: &[String], _say: &mut super::check::Say<'_>) {
        match *self {}
    }
}

impl TargetPlan {
    pub(super) fn misfit(&mut self) -> Option<Error> {
        match *self {}
    }

    pub(super) fn text(&self) -> String {
        match *self {}
    }
}

pub(super) fn list(_printer: Printer, _config: &Config, _table: Option<&str>, _limit: usize) -> Result<()> {
    Err(absent())
}

pub(super) fn show(_printer: Printer, _config: &Config, _id: &str) -> Result<()> {
    Err(absent())
}

pub(super) fn retry(_printer: Printer, _config: &Config, _id: &str) -> Result<()> {
    Err(absent())
}
