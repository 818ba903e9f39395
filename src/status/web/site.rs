//! What every answer is made with.

use super::auth::{Gate, Visitor};
use super::listeners::Listeners;
use crate::status::html::Shell;
use crate::status::sources::Sources;
use axum::extract::State;
use std::sync::Arc;

/// All that answering takes.
pub(super) struct Site {
    pub(super) sources: Sources,
    pub(super) gate: Gate,
    pub(super) events: Listeners,
}

pub(super) type Shared = State<Arc<Site>>;

impl Site {
    /// What stands around a page for this visitor. `state` is of before its facts were asked for: what has changed since is
    /// seen as a change, and nothing is missed.
    pub(super) fn shell(&self, page: &'static str, visitor: &Visitor, state: String) -> Shell {
        Shell { page, state, has_pages: true, csrf: self.gate.csrf(visitor), ..Shell::default() }
    }
}
