//! The SDK's answers as this module's own: faults of statements and of calls, fields.

use super::answer::{CallFault, StatementFault};
use super::hush::cut_values;
use crate::error;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{Field, StatementStatusString};

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
