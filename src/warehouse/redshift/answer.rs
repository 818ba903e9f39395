//! What the Data API answered, sorted by what comes next. Pure.
//!
//! ```text
//! call     throttled, 5xx, no answer ──▶ again, with the same token   everything else ──▶ Error
//! statement  a message ──▶ its class and advice (messages.rs) ──▶ again, looked at again, or Error
//! ```

use super::messages::{self, Class};
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
    /// Whether this machine has no credentials to ask with.
    pub(super) unsigned: bool,
}

/// What a call's fault asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The same call may do better in seconds.
    Again,
    /// It passes, but not in seconds.
    Later,
    /// Somebody must do something.
    Access,
}

const NO_CREDENTIALS: &str = "set AWS_PROFILE, or give this machine a role";
const RENEW: &str = "the AWS credentials are not valid any more: renew them and run it again";
const ALLOW: &str = "allow this identity redshift-data:ExecuteStatement, BatchExecuteStatement, DescribeStatement, \
    GetStatementResult, DescribeTable and CancelStatement, and redshift:GetClusterCredentials \
    or redshift-serverless:GetCredentials or the secret";
const LOGIN: &str = "check the login: redshift.secret_arn, redshift.db_user, or this identity's own";
const RESUME: &str = "the cluster is paused: resume it (aws redshift resume-cluster --cluster-identifier …), then run it again";
const NAMES: &str = "check redshift.cluster or redshift.workgroup, redshift.database, the login and AWS_REGION; a \
    cluster that is paused must be resumed";
const MINUTES: &str = "run it again in a few minutes: what was loaded is not loaded twice";

/// Codes of the service (Data API reference, common errors), and what they ask for.
const CODES: &[(&[&str], Verdict, &str)] = &[
    (
        &[
            "ExpiredTokenException",
            "ExpiredToken",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "RequestExpired",
        ],
        Verdict::Access,
        RENEW,
    ),
    (
        &["InvalidSignatureException", "SignatureDoesNotMatch"],
        Verdict::Access,
        "the signature was refused: check the secret key, and this machine's clock",
    ),
    (
        &["AccessDeniedException", "AccessDenied", "UnauthorizedException", "NotAuthorized"],
        Verdict::Access,
        ALLOW,
    ),
    (&["MissingAuthenticationTokenException", "MissingAuthenticationToken"], Verdict::Access, NO_CREDENTIALS),
    (
        &[
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
        ],
        Verdict::Again,
        MINUTES,
    ),
];

/// What the database says through a call, asked before the code: a refused login comes as a connection
/// that failed.
const PHRASES: &[(&str, Verdict, &str)] = &[
    ("password authentication failed", Verdict::Access, LOGIN),
    ("is not authorized to perform", Verdict::Access, ALLOW),
    ("is paused", Verdict::Later, RESUME),
    ("in paused state", Verdict::Later, RESUME),
    ("in a paused state", Verdict::Later, RESUME),
    ("is being resumed", Verdict::Later, RESUME),
    ("is resuming", Verdict::Later, RESUME),
];

impl CallFault {
    /// Whether the same call may do better later. Without an answer nobody knows whether the work was
    /// accepted; the client token makes that harmless.
    pub(super) fn is_passing(&self) -> bool {
        self.verdict().0 == Verdict::Again
    }

    fn verdict(&self) -> (Verdict, &'static str) {
        if self.unsigned {
            return (Verdict::Access, NO_CREDENTIALS);
        }
        if let Some((_, verdict, help)) =
            PHRASES.iter().find(|(words, ..)| messages::says(&self.message, words))
        {
            return (*verdict, help);
        }
        let code = self.code.as_deref().unwrap_or_default();
        match CODES.iter().find(|(codes, ..)| codes.contains(&code)) {
            Some((_, verdict, help)) => (*verdict, help),
            None if self.status.is_none_or(|status| status == 429 || status >= 500) => {
                (Verdict::Again, MINUTES)
            }
            None => (Verdict::Access, NAMES),
        }
    }

    /// What the operator is told.
    pub(super) fn into_error(self, doing: &str, connection: &str) -> Error {
        let code = self.code.clone().unwrap_or_default();
        let told = if code.is_empty() { self.message.clone() } else { format!("{code}: {}", self.message) };
        let what = format!("{doing} failed");
        let (verdict, help) = self.verdict();
        let error = match verdict {
            Verdict::Again | Verdict::Later => Error::transient(what),
            Verdict::Access => Error::access(what),
        };
        error.help(help).at(Place::uri(connection)).because(cut(&told))
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
    /// What comes next. Whoever cancelled it does not want it run again at once, whatever is said.
    pub(super) fn class(&self) -> Class {
        if self.aborted { Class::Ended } else { messages::judge(&self.message).0 }
    }

    /// Whether the same statement may do better when it is run again.
    pub(super) fn is_passing(&self) -> bool {
        match self.class() {
            Class::Passing => true,
            Class::Moved => !self.is_missing() && !self.is_there(),
            _ => false,
        }
    }

    /// Whether what was asked for is not there by its name, rather than made anew under our hands.
    pub(super) fn is_missing(&self) -> bool {
        let text = self.message.to_ascii_lowercase();
        self.class() == Class::Moved && (text.contains("does not exist") || text.contains("nonexistent"))
    }

    /// Whether what was to be made is there: another was first.
    pub(super) fn is_there(&self) -> bool {
        self.class() == Class::Moved && self.message.to_ascii_lowercase().contains("already exists")
    }

    /// What the operator is told of a statement that had no special role.
    pub(super) fn into_error(self, doing: &str, connection: &str) -> Error {
        let what = format!("{doing} failed");
        let (said, help) = messages::judge(&self.message);
        let error = match self.class() {
            Class::Passing | Class::Ended => Error::transient(what),
            Class::Access => Error::access(what),
            Class::Schema | Class::Moved => Error::schema(what),
            Class::Lasting => Error::machine(what),
        };
        let help = if self.aborted && said != Class::Ended {
            "it was cancelled, or passed its deadline: run it again; what was loaded is not loaded twice"
        } else {
            help
        };
        error.help(help).at(Place::uri(connection)).because(cut(&self.message))
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
        for (code, status, message, passing, exit, help) in [
            (Some("ThrottlingException"), Some(400), "Rate exceeded", true, 7, "few minutes"),
            (Some("ActiveStatementsExceededException"), Some(400), "", true, 7, "few minutes"),
            (Some("InternalServerException"), Some(500), "", true, 7, "few minutes"),
            (None, Some(503), "", true, 7, "few minutes"),
            (None, None, "connection reset", true, 7, "few minutes"),
            (
                None,
                None,
                "error trying to connect: dns error of credentials.example.org",
                true,
                7,
                "few minutes",
            ),
            (
                Some("AccessDeniedException"),
                Some(400),
                "is not authorized to perform",
                false,
                3,
                "CancelStatement",
            ),
            (
                Some("AccessDeniedException"),
                Some(400),
                "User expired-loader may not",
                false,
                3,
                "CancelStatement",
            ),
            (Some("ExpiredTokenException"), Some(400), "token is expired", false, 3, "renew"),
            (
                Some("ValidationException"),
                Some(400),
                "cluster \"expired\" not found",
                false,
                3,
                "redshift.cluster",
            ),
            (Some("ValidationException"), Some(400), "Cluster mirror is paused", false, 7, "resume"),
            (Some("DatabaseConnectionException"), Some(500), "Cluster mirror is paused.", false, 7, "resume"),
            (
                Some("ValidationException"),
                Some(400),
                "Cluster is-paused not found",
                false,
                3,
                "redshift.cluster",
            ),
            (
                Some("DatabaseConnectionException"),
                Some(500),
                "FATAL: password authentication failed for user \"x\"",
                false,
                3,
                "login",
            ),
            (Some("ResourceNotFoundException"), Some(400), "", false, 3, "redshift.cluster"),
        ] {
            let fault = CallFault {
                code: code.map(str::to_owned),
                status,
                message: message.to_owned(),
                unsigned: false,
            };
            assert_eq!(fault.is_passing(), passing, "{fault:?}");
            let error = fault.clone().into_error("asking", "redshift://w/d");
            assert_eq!(error.exit_code(), exit, "{fault:?}");
            assert!(error.detail().unwrap().help.contains(help), "{fault:?} {error:?}");
        }
        let fault = CallFault { code: None, status: None, message: String::new(), unsigned: true };
        assert_eq!((fault.is_passing(), fault.into_error("asking", "r").exit_code()), (false, 3));
    }

    #[test]
    fn transactions_are_run_again_or_told() {
        for (message, aborted, class, exit) in [
            ("ERROR: 1023 DETAIL: Serializable isolation violation on table", false, Class::Passing, 7),
            ("ERROR: could not serialize access due to concurrent update", false, Class::Passing, 7),
            ("Query aborted", true, Class::Ended, 7),
            ("ERROR: could not serialize access", true, Class::Ended, 7),
            ("ERROR: permission denied for relation t", false, Class::Access, 3),
            ("ERROR: relation \"public.t\" does not exist", false, Class::Moved, 4),
            ("ERROR: Spectrum Scan Error", false, Class::Lasting, 1),
        ] {
            let fault = StatementFault { at: None, message: message.to_owned(), aborted, query_id: None };
            assert_eq!(fault.class(), class, "{message}");
            assert_eq!(fault.into_error("the load", "redshift://w/d").exit_code(), exit, "{message}");
        }
    }
}
