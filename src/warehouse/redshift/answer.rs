//! What the Data API answered, sorted by what comes next. Pure.
//!
//! ```text
//! call     throttled, 5xx, no answer ──▶ again, with the same token   everything else ──▶ Error
//! statement  ERROR 1023, session lost ──▶ the whole batch again       everything else ──▶ Failed
//! ```

use crate::error::{self, Error, Place};

/// Longest text of Redshift that is passed on.
const CAUSE_CHARS_MAX: usize = 500;

/// A call that got no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallFault {
    /// The service's name for it, if it answered.
    pub(super) code: Option<String>,
    /// HTTP status, if it answered.
    pub(super) status: Option<u16>,
    /// What it said.
    pub(super) message: String,
}

impl CallFault {
    /// Whether the same call may do better later. Without an answer nobody knows whether the work was
    /// accepted; the client token makes that harmless.
    pub(super) fn is_passing(&self) -> bool {
        const CODES: &[&str] = &[
            "ThrottlingException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "ActiveStatementsExceededException",
            "ActiveSessionsExceededException",
            "ActiveWaitingRequestsExceededException",
            "InternalServerException",
            "ServiceUnavailableException",
            "DatabaseConnectionException",
            "QueryTimeoutException",
        ];
        let named = self.code.as_deref().is_some_and(|code| CODES.contains(&code));
        named || self.status.is_none() || self.status.is_some_and(|status| status == 429 || status >= 500)
    }

    /// What the operator is told.
    pub(super) fn into_error(self, doing: &str, connection: &str) -> Error {
        let code = self.code.clone().unwrap_or_default();
        let told = if code.is_empty() { self.message.clone() } else { format!("{code}: {}", self.message) };
        let what = format!("{doing} failed");
        let text = format!("{code} {}", self.message).to_lowercase();
        let error = if self.is_passing() {
            Error::transient(what).help("run it again in a few minutes: what was loaded is not loaded twice")
        } else if text.contains("expiredtoken")
            || text.contains("unrecognizedclient")
            || text.contains("expired")
        {
            Error::access(what)
                .help("the AWS credentials are not valid any more: renew them and run it again")
        } else if text.contains("accessdenied") || text.contains("not authorized") {
            Error::access(what).help(
                "allow this identity redshift-data:ExecuteStatement, BatchExecuteStatement, DescribeStatement, \
                 GetStatementResult, DescribeTable and CancelStatement, and redshift:GetClusterCredentials \
                 or redshift-serverless:GetCredentials or the secret",
            )
        } else if text.contains("credentials") {
            Error::access(what).help("set AWS_PROFILE, or give this machine a role")
        } else {
            Error::access(what).help(
                "check redshift.cluster or redshift.workgroup, redshift.database, the login and AWS_REGION",
            )
        };
        error.at(Place::uri(connection)).because(cut(&told))
    }
}

/// A statement, or a batch, that Redshift did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatementFault {
    /// Which statement of the batch, from 0.
    pub(super) at: Option<usize>,
    /// What Redshift said.
    pub(super) message: String,
    /// Whether it was cancelled, by us or by others.
    pub(super) aborted: bool,
    /// Redshift's number for the query, by which its catalogue says more.
    pub(super) query_id: Option<i64>,
}

impl StatementFault {
    /// Whether the same transaction may do better when it is run again from its beginning. All of it was
    /// rolled back, or is: the guards say which.
    pub(super) fn is_passing(&self) -> bool {
        const SIGNS: &[&str] = &[
            "1023",
            "serializable isolation violation",
            "could not serialize",
            "conflict with concurrent transaction",
            "deadlock",
            "session",
            "connection",
            "restart",
            "terminating",
        ];
        let text = self.message.to_lowercase();
        !self.aborted && SIGNS.iter().any(|sign| text.contains(sign))
    }

    /// Whether what was asked for is not there.
    pub(super) fn is_missing(&self) -> bool {
        let text = self.message.to_lowercase();
        text.contains("does not exist") && (text.contains("relation") || text.contains("table"))
    }

    /// What the operator is told of a statement that had no special role.
    pub(super) fn into_error(self, doing: &str, connection: &str) -> Error {
        let what = format!("{doing} failed");
        let text = self.message.to_lowercase();
        let error = if self.is_passing() || self.aborted {
            Error::transient(what).help("run it again: nothing was changed")
        } else if text.contains("permission denied")
            || text.contains("not authorized")
            || text.contains("must be owner")
        {
            Error::access(what)
                .help("grant the database user what it lacks; `csl-stream check` lists all of it")
        } else if self.is_missing() {
            Error::schema(what).help("create the table: csl-stream schema ddl prints the statement")
        } else {
            Error::machine(what).help("nothing was changed; Redshift's own words are the cause")
        };
        error.at(Place::uri(connection)).because(cut(&self.message))
    }
}

/// The text, no longer than a cause may be.
pub(super) fn cut(text: &str) -> String {
    error::cut(text, CAUSE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_tried_again_or_told() {
        for (code, status, message, passing, exit) in [
            (Some("ThrottlingException"), Some(400), "Rate exceeded", true, 7),
            (Some("ActiveStatementsExceededException"), Some(400), "", true, 7),
            (Some("InternalServerException"), Some(500), "", true, 7),
            (None, Some(503), "", true, 7),
            (None, None, "connection reset", true, 7),
            (Some("AccessDeniedException"), Some(400), "is not authorized to perform", false, 3),
            (Some("ExpiredTokenException"), Some(400), "token is expired", false, 3),
            (Some("ValidationException"), Some(400), "cluster not found", false, 3),
            (Some("ResourceNotFoundException"), Some(400), "", false, 3),
        ] {
            let fault = CallFault { code: code.map(str::to_owned), status, message: message.to_owned() };
            assert_eq!(fault.is_passing(), passing, "{fault:?}");
            assert_eq!(fault.clone().into_error("asking", "redshift://w/d").exit_code(), exit, "{fault:?}");
        }
    }

    #[test]
    fn transactions_are_run_again_or_told() {
        for (message, aborted, passing, exit) in [
            ("ERROR: 1023 DETAIL: Serializable isolation violation on table", false, true, 7),
            ("ERROR: could not serialize access due to concurrent update", false, true, 7),
            ("Query aborted", true, false, 7),
            ("ERROR: permission denied for relation t", false, false, 3),
            ("ERROR: relation \"public.t\" does not exist", false, false, 4),
            ("ERROR: Spectrum Scan Error", false, false, 1),
        ] {
            let fault = StatementFault { at: None, message: message.to_owned(), aborted, query_id: None };
            assert_eq!(fault.is_passing(), passing, "{message}");
            assert_eq!(fault.into_error("the load", "redshift://w/d").exit_code(), exit, "{message}");
        }
    }
}
