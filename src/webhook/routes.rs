//! Which queue an order goes to: ours, or that of the loader that came before.

use crate::error::Result;
use crate::queue::{LoadOrder, Queue};
use crate::work::Selection;

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
            Some(others) if !self.selection.selects(order) => others,
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
