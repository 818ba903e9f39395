//! An error of this program on its way through DataFusion.

use crate::error::Error;
use datafusion::error::DataFusionError;
use std::fmt;
use std::sync::Arc;

/// An error of this program on its way through DataFusion, which hands out references alone.
#[derive(Debug, Clone)]
pub struct Told(Arc<Error>);

impl Told {
    /// That of this error.
    pub fn of(error: &Error) -> Self {
        Self(Arc::new(error.copied()))
    }

    /// The same as an error again.
    pub(super) fn error(&self) -> Error {
        self.0.copied()
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Told {}

impl From<Told> for DataFusionError {
    fn from(told: Told) -> Self {
        Self::External(Box::new(told))
    }
}
