//! Dead letters in a queue of SQS, which can only be seen by taking them.
//!
//! ```text
//! take up to LISTED_MAX, nobody else sees them ─▶ list, or send back and delete ─▶ show the rest again
//! ```

use super::dead::{DeadLetter, Known, LISTED_MAX, Redrive};
use super::sqs::{DIED_AT, EXIT_CODE, REASON, RECEIVE_MAX, SqsQueue, TRIES, attribute};
use crate::error::Result;
use aws_sdk_sqs::types::Message as Received;
use std::collections::BTreeMap;
use std::time::Duration;

/// Long enough to see all of them; what a reader that died hides comes back after it.
const LOOK: Duration = Duration::from_secs(60);
/// A short answer does not mean that there are no more: SQS asks only some of its servers.
const EMPTY_ANSWERS_MAX: usize = 2;
/// A waiting call asks all servers.
const WAIT: Duration = Duration::from_secs(1);

impl SqsQueue {
    pub(super) async fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        let url = self.dead_letter_url()?;
        let taken = self.take_dead(url).await?;
        self.show_again(url, taken.values()).await;
        let mut letters: Vec<DeadLetter> = taken.iter().map(|(id, letter)| dead_letter(id, letter)).collect();
        letters.sort_by(|a, b| (&a.died_at, &a.id).cmp(&(&b.died_at, &b.id)));
        Ok(letters)
    }

    /// First there, then gone here: a death between the two leaves both, never none.
    pub(super) async fn redrive(&self, which: &Redrive) -> Result<Vec<String>> {
        let url = self.dead_letter_url()?;
        let mut rest = self.take_dead(url).await?;
        let meant: Vec<String> = rest.keys().filter(|id| which.is_meant(id)).cloned().collect();
        let mut gone = Vec::new();
        let mut ended = Ok(());
        for id in meant {
            let Some(letter) = rest.remove(&id) else { continue };
            ended = self.redrive_one(url, &letter).await;
            if ended.is_err() {
                rest.insert(id, letter);
                break;
            }
            gone.push(id);
        }
        self.show_again(url, rest.values()).await;
        ended.map(|()| gone)
    }

    /// Under another deduplication id: within five minutes SQS would drop the message as a repetition.
    async fn redrive_one(&self, url: &str, letter: &Received) -> Result<()> {
        let salt = format!("-{}", uuid::Uuid::now_v7());
        self.send_body(self.url(), letter.body.as_deref().unwrap_or_default(), &salt).await?;
        self.delete_from(url, letter.receipt_handle.as_deref().unwrap_or_default()).await
    }

    async fn take_dead(&self, url: &str) -> Result<BTreeMap<String, Received>> {
        let (mut taken, mut empty) = (BTreeMap::new(), 0);
        while taken.len() < LISTED_MAX && empty < EMPTY_ANSWERS_MAX {
            let before = taken.len();
            for letter in self.receive_from(url, RECEIVE_MAX, WAIT, LOOK).await? {
                if let Some(id) = letter.message_id.clone() {
                    taken.insert(id, letter);
                }
            }
            empty = if taken.len() == before { empty + 1 } else { 0 };
        }
        Ok(taken)
    }

    /// One that stays hidden comes back by itself.
    async fn show_again(&self, url: &str, letters: impl Iterator<Item = &Received>) {
        for letter in letters {
            let receipt = letter.receipt_handle.as_deref().unwrap_or_default();
            if let Err(error) = self.show_after(url, receipt, Duration::ZERO).await {
                tracing::debug!(%error, "a dead letter stays hidden for a minute");
            }
        }
    }
}

fn dead_letter(id: &str, letter: &Received) -> DeadLetter {
    let known = Known {
        reason: attribute(letter, REASON),
        exit_code: attribute(letter, EXIT_CODE).and_then(|code| code.parse().ok()),
        tries: attribute(letter, TRIES).and_then(|tries| tries.parse().ok()),
        died_at: attribute(letter, DIED_AT),
    };
    DeadLetter::of(id.to_owned(), letter.body.as_deref().unwrap_or_default(), known)
}
