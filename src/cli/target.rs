//! Where a table goes: a folder, or Redshift.

use super::redshift;
use super::settings;
use crate::config::Config;
use crate::error::Result;
use crate::pipeline::ConvertOptions;
use crate::schema::{Layout, Table};
use crate::store::{ExportKind, ObjectInfo};
use crate::warehouse::{LoadRequest, LocalWarehouse, ShrinkGuard, Warehouse};
use std::path::{Path, PathBuf};

/// What the command line and the configuration name.
#[derive(Debug)]
pub(super) enum Target {
    /// A folder.
    Local(LocalWarehouse, PathBuf),
    /// A database of Redshift.
    Redshift(Box<redshift::Target>),
}

/// What is loaded, as far as it is known before a byte is read.
#[cfg_attr(not(feature = "redshift"), allow(dead_code))]
pub(super) struct Load<'a> {
    pub(super) table: &'a Table,
    pub(super) kind: ExportKind,
    pub(super) source: &'a ObjectInfo,
    pub(super) exported_at: Option<&'a str>,
    pub(super) options: &'a ConvertOptions,
    /// Make the table if it is not there.
    pub(super) create_table: bool,
}

impl Load<'_> {
    /// The load under this id.
    pub(super) fn request(&self, load_id: &str) -> LoadRequest {
        LoadRequest {
            load_id: load_id.to_owned(),
            table: self.table.name.clone(),
            kind: self.kind,
            source: self.source.clone(),
            exported_at: self.exported_at.map(str::to_owned),
            shrink: ShrinkGuard::default(),
        }
    }
}

impl Target {
    /// The target of the configuration; nothing is asked yet.
    pub(super) fn of(config: &Config) -> Result<Self> {
        if settings::is_redshift(config) {
            return redshift::Target::of(config).map(|target| Self::Redshift(Box::new(target)));
        }
        let dir = settings::warehouse_dir(config)?;
        let warehouse = LocalWarehouse::new(&dir).keep_versions(settings::keep_versions(config)?);
        Ok(Self::Local(warehouse, dir))
    }

    /// Cancels what runs as soon as `stop` says so.
    pub(super) fn stop_when(&mut self, stop: impl Fn() -> bool + Send + Sync + 'static) {
        match self {
            Self::Local(..) => {}
            Self::Redshift(target) => target.stop_when(stop),
        }
    }

    /// As a warehouse.
    pub(super) fn warehouse(&self) -> &dyn Warehouse {
        match self {
            Self::Local(warehouse, _) => warehouse,
            Self::Redshift(target) => target.warehouse(),
        }
    }

    /// The folder of a local one.
    pub(super) fn dir(&self) -> Option<&Path> {
        match self {
            Self::Local(_, dir) => Some(dir),
            Self::Redshift(_) => None,
        }
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Local(_, dir) => dir.display().to_string(),
            Self::Redshift(target) => target.shown(),
        }
    }

    /// Looks at the table before a byte is read, and says under which id the load runs: `id`, unless the
    /// work itself has one.
    pub(super) fn preflight(&self, load: &Load<'_>, id: &str) -> Result<String> {
        match self {
            Self::Local(..) => Ok(id.to_owned()),
            Self::Redshift(target) => target.preflight(load, id),
        }
    }

    /// What a plan says of the table; nothing for a folder, whose tables take every shape.
    pub(super) fn plan(
        &self,
        load: &Load<'_>,
        layout: &Layout,
        rows: u64,
    ) -> Result<Option<redshift::TargetPlan>> {
        match self {
            Self::Local(..) => Ok(None),
            Self::Redshift(target) => target.plan(load, layout, rows).map(Some),
        }
    }
}
