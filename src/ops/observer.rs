//! Who looks at a run while it goes on.

use crate::error::Result;
use crate::pipeline::{Outcome, Watch};
use crate::store::Location;
use std::any::Any;
use std::sync::Arc;

/// Hears notes and progress, and says when to stop. A terminal is one, a log is another; every method has a
/// default that does nothing.
pub trait Observer: Sync {
    /// Something worth knowing beside the result, in one or more lines.
    fn note(&self, text: &str) {
        tracing::info!("{text}");
    }

    /// A run is about to read these. An observer that writes files of its own refuses those that are one of
    /// them.
    ///
    /// # Errors
    /// What would be overwritten.
    fn about_to_read(&self, inputs: &[Location]) -> Result<()> {
        let _ = inputs;
        Ok(())
    }

    /// A run begins: its counters, and the wish to stop it. Keep a copy to look at it from another thread.
    fn watch(&self) -> Arc<Watch> {
        Arc::default()
    }

    /// Bytes of a table begin to flow; `bytes` is the length of the source as stored, if it is known. What is returned is
    /// dropped when they end.
    fn converting(&self, table: &str, watch: &Arc<Watch>, bytes: Option<u64>) -> Box<dyn Any> {
        let _ = (table, watch, bytes);
        Box::new(())
    }

    /// One of several runs has ended: a worker's load, one of many inputs.
    ///
    /// # Errors
    /// If what it wants to write about it cannot be written.
    fn ended(&self, outcome: &Outcome) -> Result<()> {
        let _ = outcome;
        Ok(())
    }

    /// A line about a load for a machine that reads the log: nothing else may stand in it.
    fn measured(&self, line: &str) {
        let _ = line;
    }

    /// Whether nothing new is to begin.
    fn is_stopping(&self) -> bool {
        false
    }
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn note(&self, _: &str) {}
}
