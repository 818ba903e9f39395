//! Everyone who hears of every load's end.

use super::dynamodb::{Batches, Files};
use super::listener::Listener;
use super::news::News;
use super::sns::Topic;
use crate::report::{End, Status};

/// Who hears of a load. What is not named hears nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Topic of loads that succeeded.
    pub success_topic: Option<String>,
    /// Topic of loads that failed.
    pub failure_topic: Option<String>,
    /// DynamoDB table of batches.
    pub batches_table: Option<String>,
    /// DynamoDB table of processed files.
    pub files_table: Option<String>,
}

/// One of them.
type OfLoads<'a> = Box<dyn for<'n> Listener<News<'n>> + 'a>;

impl Listeners {
    fn all(&self) -> Vec<OfLoads<'_>> {
        let mut all: Vec<OfLoads<'_>> = Vec::new();
        for (arn, hears_success) in [(&self.success_topic, true), (&self.failure_topic, false)] {
            if let Some(arn) = arn {
                all.push(Box::new(Topic { arn, hears_success }));
            }
        }
        if let Some(table) = &self.batches_table {
            all.push(Box::new(Batches { table }));
        }
        if let Some(table) = &self.files_table {
            all.push(Box::new(Files { table }));
        }
        all
    }

    /// Tells them, and says which could not be told. A skipped load is no news, and neither is one whose
    /// message comes again.
    pub fn tell(&self, news: &News<'_>) -> Vec<String> {
        if news.report.status == Status::Skipped || news.end == End::Again {
            return Vec::new();
        }
        let told = self.all().into_iter().filter_map(|listener| listener.tell(news).err());
        told.inspect(|warning| tracing::warn!(warning, "a listener could not be told")).collect()
    }

    /// Everyone who is named, with what stands in the way of telling them. Nobody is told anything.
    pub fn check(&self) -> Vec<(String, Result<(), String>)> {
        self.all().into_iter().map(|listener| (listener.name(), listener.reach())).collect()
    }
}
