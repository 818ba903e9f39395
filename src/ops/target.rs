//! Where tables go: the one place that knows which warehouses there are.

use crate::config::{Config, REDSHIFT};
use crate::error::{Error, Result};
use crate::ledger::Cover;
use crate::names;
use crate::store::{KeptFiles, Location};
use crate::warehouse::{LocalWarehouse, Warehouse};
use std::path::PathBuf;
use std::sync::Arc;

/// Which exports a full one makes needless, by the configuration: the same for the warehouse and the worker.
pub(super) fn cover(config: &Config) -> Cover {
    Cover { hours: config.load.recent_hours }
}

/// The warehouse of the configuration; nothing is asked yet.
pub(super) fn open(config: &Config) -> Result<Box<dyn Warehouse>> {
    if config.warehouse.to.is_redshift() {
        return redshift(config);
    }
    let versions = usize::try_from(config.warehouse.keep_versions.get()).unwrap_or(usize::MAX);
    let warehouse = LocalWarehouse::new(folder(config)?).keep_versions(versions).cover(cover(config));
    Ok(Box::new(warehouse.evolve(config.load.evolve).report_days(config.warehouse.report_days)))
}

/// The folder of the local warehouse.
pub(super) fn folder(config: &Config) -> Result<PathBuf> {
    if config.warehouse.to.is_redshift() {
        return Err(Error::usage("this needs a warehouse in a folder, and the warehouse is Redshift")
            .help("name the folder: --to ./warehouse"));
    }
    let to = &config.warehouse.to.0;
    // A slip of the pen would make a folder of that name, and nobody would look there.
    if !to.contains(['/', '\\', '.']) && !names::nearest(to, [REDSHIFT].into_iter()).is_empty() {
        return Err(Error::usage(format!("a warehouse \"{to}\": is redshift meant?"))
            .help(format!("write --to {REDSHIFT}; a folder of that name is --to ./{to}")));
    }
    match Location::parse(to)? {
        Location::Local(path) => Ok(path),
        other => Err(Error::usage(format!("a warehouse cannot be at {other}"))
            .help("name a folder: --to ./warehouse; to write Parquet into a bucket, use convert --out")),
    }
}

/// Cluster, workgroup or folder.
#[cfg(feature = "aws")]
pub(super) fn name(config: &Config) -> &str {
    let own = &config.redshift;
    let named = own.workgroup.as_deref().or(own.cluster.as_deref());
    named.filter(|_| config.warehouse.to.is_redshift()).unwrap_or(&config.warehouse.to.0)
}

/// Where loads are staged beside the warehouse, and keep their manifests; none for a folder.
#[cfg(feature = "aws")]
pub(super) fn staging(config: &Config) -> Option<&str> {
    config.staging.url.as_deref().filter(|_| config.warehouse.to.is_redshift())
}

/// The folder of the warehouse, or the place of staging: where something can be kept that is no table.
#[cfg(feature = "aws")]
pub(super) fn beside(config: &Config) -> Option<Location> {
    match staging(config) {
        Some(url) => Location::parse(url).ok(),
        None => folder(config).ok().map(Location::Local),
    }
}

/// How what is written beside Redshift is encrypted.
#[cfg(feature = "aws")]
pub(super) fn encryption(config: &Config) -> Result<crate::store::s3::Encryption> {
    crate::store::s3::Encryption::of_words(
        config.staging.sse.map(crate::config::ServerSideEncryption::word),
        config.staging.kms_key.as_deref(),
    )
}

/// What keeps files in S3: encrypted as what is staged is.
#[cfg(feature = "aws")]
pub(super) fn kept_files(config: &Config) -> Result<Arc<dyn KeptFiles>> {
    Ok(Arc::new(crate::store::S3Files::new(encryption(config)?)))
}

#[cfg(not(feature = "aws"))]
pub(super) fn kept_files(_: &Config) -> Result<Arc<dyn KeptFiles>> {
    Err(crate::features::Feature::Aws.missing("S3"))
}

#[cfg(feature = "aws")]
fn redshift(config: &Config) -> Result<Box<dyn Warehouse>> {
    use crate::warehouse::redshift::{
        Connection, DataApi, ManifestPlace, RedshiftSettings, RedshiftWarehouse,
    };
    let own = &config.redshift;
    let connection = Connection::of(
        own.cluster.as_deref(),
        own.workgroup.as_deref(),
        own.database.as_deref(),
        own.secret_arn.as_deref(),
        own.db_user.as_deref(),
    )?;
    let staging = config.staging.url.as_deref().ok_or_else(|| {
        Error::usage("no staging place was named")
            .help("set staging.url to s3://bucket/prefix, in Redshift's region, in csl-stream.toml")
    })?;
    let manifest = |url: &String| {
        Ok::<_, Error>(ManifestPlace {
            url: Location::parse(url)?,
            prefix: config.manifest.prefix.clone(),
            failed_prefix: config.manifest.failed_prefix.clone(),
        })
    };
    let settings = RedshiftSettings {
        schema: own.schema.clone(),
        iam_role: own.iam_role.clone(),
        staging: Location::parse(staging)?,
        manifests: config.manifest.url.as_ref().map(manifest).transpose()?,
        encryption: encryption(config)?,
    };
    let warehouse = RedshiftWarehouse::new(DataApi::new(connection)?, settings)?;
    let warehouse = warehouse.recent_hours(cover(config).hours).evolve(config.load.evolve);
    let warehouse = warehouse.report_days(config.warehouse.report_days);
    Ok(Box::new(warehouse.staged_days(config.staging.days)))
}

#[cfg(not(feature = "aws"))]
fn redshift(_: &Config) -> Result<Box<dyn Warehouse>> {
    Err(crate::features::Feature::Aws.missing("a warehouse in Redshift"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::KEEP_VERSIONS;

    #[test]
    fn a_slip_of_the_pen_makes_no_folder() {
        use crate::config::Destination;
        for (to, is_folder) in [
            ("Redshift", false),
            ("redshft", false),
            ("redshift2", false),
            ("REDSHIFT", false),
            ("./redshft", true),
            ("warehouse", true),
            ("shift.d", true),
            ("data/redshift", true),
        ] {
            let mut config = Config::default();
            config.warehouse.to = Destination(to.to_owned());
            assert_eq!(folder(&config).is_ok(), is_folder, "{to}");
        }
    }

    #[test]
    fn the_kept_versions_are_the_warehouses_wherever_they_are_written() {
        assert_eq!(Config::default().warehouse.keep_versions.get() as usize, KEEP_VERSIONS);
    }
}
