//! The SDK's answers as this module's own: faults of statements and of calls, fields.

use super::answer::{CallFault, StatementFault};
use super::hush::cut_values;
use crate::error;
use crate::report::Commit;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::primitives::DateTime;
use aws_sdk_redshiftdata::types::{Field, StatementStatusString};
use std::time::{Duration, Instant, SystemTime};

/// Why a statement or a batch failed: the first of its statements that did.
pub(super) fn fault_in(ended: &DescribeStatementOutput, aborted: bool) -> StatementFault {
    let failed = |status: &Option<StatementStatusString>| {
        matches!(status, Some(StatementStatusString::Failed | StatementStatusString::Aborted))
    };
    let subs = ended.sub_statements();
    let at = subs.iter().position(|sub| failed(&sub.status));
    let of_sub = at.and_then(|at| subs[at].error.clone()).filter(|error| !error.is_empty());
    let message = of_sub.or_else(|| ended.error.clone()).unwrap_or_else(|| "no reason was given".to_owned());
    let message = cut_values(&message);
    let query_id = at.map_or(ended.redshift_query_id, |at| subs[at].redshift_query_id);
    StatementFault { at, message, aborted, query_id: (query_id > 0).then_some(query_id) }
}

/// A transaction that has committed.
#[derive(Debug)]
pub(super) struct Done {
    submitted: Instant,
    ended: Instant,
    /// How long after the submission each statement had ended, by the service's clock.
    statements: Vec<Option<Duration>>,
}

impl Done {
    /// It has ended by now. A statement's `UpdatedAt` is when its status changed last (redshift-data/latest/APIReference,
    /// SubStatementData).
    pub(super) fn of(submitted: Instant, ended: &DescribeStatementOutput) -> Self {
        let time = |at: Option<DateTime>| at.and_then(|at| SystemTime::try_from(at).ok());
        let created = time(ended.created_at);
        let since = |at: Option<DateTime>| time(at)?.duration_since(created?).ok();
        let statements = ended.sub_statements().iter().map(|sub| since(sub.updated_at)).collect();
        Self { submitted, ended: Instant::now(), statements }
    }

    /// What came after a statement, if the service says when that had ended.
    pub(super) fn after(&self, statement: usize) -> Option<Commit> {
        let took = (*self.statements.get(statement)?)?;
        // The two clocks need not run alike.
        let began = self.submitted.checked_add(took)?.min(self.ended);
        Some(Commit { began, ended: self.ended })
    }
}

/// Why a call got no good answer.
pub(super) fn fault_of<E>(error: &SdkError<E>) -> CallFault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.code().map(str::to_owned);
    let status = error.raw_response().map(|response| response.status().as_u16());
    let unsigned = status.is_none() && lacks_credentials(error);
    // What is wrong before a request goes out will be wrong again.
    let status = if matches!(error, SdkError::ConstructionFailure(_)) { Some(400) } else { status };
    let message = error.message().map(str::to_owned).unwrap_or_else(|| error::in_full(error));
    CallFault { code, status, message, unsigned }
}

/// Whether AWS's chain found no credentials, as the causes say by their type.
fn lacks_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(fault) = cause.downcast_ref::<CredentialsError>() {
            return !matches!(fault, CredentialsError::ProviderTimedOut(_));
        }
        next = cause.source();
    }
    false
}

/// A field as text, whatever its type, or NULL.
pub(super) fn cell(field: Field) -> Option<String> {
    match field {
        Field::StringValue(text) => Some(text),
        Field::LongValue(number) => Some(number.to_string()),
        Field::DoubleValue(number) => Some(number.to_string()),
        Field::BooleanValue(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use aws_sdk_redshiftdata::types::SubStatementData;

    #[test]
    fn what_came_after_a_statement_lies_in_the_transaction() {
        let second = Duration::from_secs(1);
        let submitted = Instant::now().checked_sub(10 * second).unwrap();
        let done = |created: Option<i64>, updated: &[Option<i64>]| {
            let at = |seconds: Option<i64>| seconds.map(DateTime::from_secs);
            let sub = |(nth, updated): (usize, &Option<i64>)| {
                let sub = SubStatementData::builder().id(format!("i:{nth}")).set_updated_at(at(*updated));
                sub.build().unwrap()
            };
            let subs = updated.iter().enumerate().map(sub).collect();
            let ended = DescribeStatementOutput::builder().id("i").set_created_at(at(created));
            Done::of(submitted, &ended.set_sub_statements(Some(subs)).build().unwrap())
        };
        for (created, updated, at, began) in [
            (Some(100), &[Some(101), Some(104)][..], 1, Some(4)),
            (Some(100), &[Some(101), Some(104)], 0, Some(1)),
            // Later than the end that was seen: there are two clocks.
            (Some(100), &[Some(999)], 0, Some(10)),
            // Not said, before the submission, no such statement.
            (Some(100), &[None], 0, None),
            (None, &[Some(101)], 0, None),
            (Some(100), &[Some(99)], 0, None),
            (Some(100), &[], 0, None),
        ] {
            let commit = done(created, updated).after(at);
            let seconds = commit.map(|commit| commit.began.duration_since(submitted).as_secs());
            assert_eq!(seconds, began, "{created:?} {updated:?}");
            assert!(commit.is_none_or(|commit| commit.began <= commit.ended));
        }
    }
}
