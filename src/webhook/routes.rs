//! Which queue an order goes to: ours, or that of the loader that came before.

use crate::error::Result;
use crate::queue::{LoadOrder, Queue};
use crate::store::ExportKind;
use std::collections::HashSet;

/// What `work.tables` and `work.kinds` select.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Tables; none: all of them.
    pub tables: Option<HashSet<String>>,
    /// Kinds of export.
    pub kinds: Vec<ExportKind>,
}

impl Selection {
    /// Whether our worker loads it.
    pub fn has(&self, order: &LoadOrder) -> bool {
        let table = self.tables.as_ref().is_none_or(|tables| tables.contains(&order.table));
        table && self.kinds.contains(&order.kind)
    }
}

/// The queues.
#[derive(Debug)]
pub struct Routes {
    /// `queue.url`, or the local queue.
    pub own: Queue,
    /// `queue.others_url`.
    pub others: Option<Queue>,
    /// What goes to our own queue; without another queue everything does.
    pub selection: Selection,
}

impl Routes {
    /// Sends an order; it is safe when this returns.
    ///
    /// # Errors
    /// What the queue says.
    pub async fn send(&self, order: &LoadOrder) -> Result<()> {
        self.queue_of(order).send(order).await
    }

    fn queue_of(&self, order: &LoadOrder) -> &Queue {
        match &self.others {
            Some(others) if !self.selection.has(order) => others,
            _ => &self.own,
        }
    }

    /// Whether the queues would take an order now.
    ///
    /// # Errors
    /// What the queue says that would not.
    pub async fn ready(&self) -> Result<()> {
        self.own.ready().await?;
        match &self.others {
            Some(others) => others.ready().await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours() {
        let set = |tables: &[&str]| Some(tables.iter().map(|table| (*table).to_owned()).collect());
        let both = vec![ExportKind::Full, ExportKind::Incremental];
        for (tables, kinds, table, kind, expected) in [
            (set(&["signatures"]), vec![ExportKind::Full], "signatures", ExportKind::Full, true),
            (set(&["signatures"]), vec![ExportKind::Full], "signatures", ExportKind::Incremental, false),
            (set(&["signatures"]), vec![ExportKind::Full], "petitions", ExportKind::Full, false),
            (None, both.clone(), "petitions", ExportKind::Incremental, true),
            (None, vec![], "petitions", ExportKind::Full, false),
            (set(&[]), both, "petitions", ExportKind::Full, false),
        ] {
            let order = LoadOrder { download_url: String::new(), table: table.to_owned(), s3: None, kind };
            let selection = Selection { tables, kinds };
            assert_eq!(selection.has(&order), expected, "{selection:?} {order:?}");
        }
    }
}
