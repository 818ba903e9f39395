//! Parts that a build may lack, and what is said where one is asked for.

use crate::error::Error;

/// A cargo feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// S3, URLs, Redshift, SNS, DynamoDB, Glue.
    Aws,
    /// Receiver, queue, worker, Lambda.
    Serve,
    /// SQL over the local warehouse.
    Query,
    /// Units of an export on several machines.
    Cluster,
}

impl Feature {
    /// Its name, as `cargo build --features` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Serve => "serve",
            Self::Query => "query",
            Self::Cluster => "cluster",
        }
    }

    const fn instead(self) -> &'static str {
        match self {
            Self::Aws => "use local files and a warehouse in a folder",
            Self::Serve => "load with backfill",
            Self::Cluster => "leave --cluster out: this machine converts alone",
            Self::Query => "read the warehouse's Parquet files with DuckDB, pandas or Polars",
        }
    }

    /// The error of a build without it. `what` is what it is needed for.
    pub fn missing(self, what: &str) -> Error {
        let name = self.name();
        Error::usage(format!("{what} needs the {name} feature, and this csl-stream was built without it"))
            .help(format!("use a build with the {name} feature, or {}", self.instead()))
    }
}

/// The version with what it was built of: the commit, if the build was told it in `CSL_COMMIT`, and the features. No
/// build script asks git, so that the same source gives the same program.
pub fn version() -> String {
    let commit = option_env!("CSL_COMMIT").filter(|commit| !commit.is_empty());
    let commit = commit.map_or(String::new(), |commit| format!("commit {commit}; "));
    let features: Vec<_> = built_in().into_iter().map(Feature::name).collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
    format!("{} ({commit}features: {features})", env!("CARGO_PKG_VERSION"))
}

/// Those of this build.
pub fn built_in() -> Vec<Feature> {
    let has = [
        (Feature::Aws, cfg!(feature = "aws")),
        (Feature::Serve, cfg!(feature = "serve")),
        (Feature::Query, cfg!(feature = "query")),
        (Feature::Cluster, cfg!(feature = "cluster")),
    ];
    has.into_iter().filter(|(_, built)| *built).map(|(feature, _)| feature).collect()
}
