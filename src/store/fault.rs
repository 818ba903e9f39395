//! What a remote place answered, sorted by what comes next: try again, or tell the operator what to do.
//!
//! ```text
//! object_store error ┐                ┌ Passing ──► retry, then Error::Transient
//! HTTP status        ├──► Fault ──────┼ Changed ──► Error::Input
//! broken body        ┘                └ Denied, Missing, Refused ──► Error::Access
//! ```

use crate::error::{self, Error, Place};

/// Longest cause that is passed on; servers answer with whole pages.
const CAUSE_CHARS_MAX: usize = 300;

/// Codes of S3 that pass though their status does not say so, as [AWS's own clients][retries] have them; the
/// last two are bodies that were damaged or cut on their way.
///
/// [retries]: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
const PASSING_CODES: &[&str] = &[
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalError",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "OperationAborted",
    "ConditionalRequestConflict",
    "BadDigest",
    "IncompleteBody",
];

/// Stands for a path in errors of the credential chain, which tells them from S3's own answers.
pub(super) const CREDENTIALS_PATH: &str = "AWS credentials";

/// What was tried when a place said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Reading,
    Listing,
    Writing,
}

/// One failed request.
#[derive(Debug)]
pub(super) enum Fault {
    /// The object is no longer the one that was opened.
    Changed(String),
    /// AWS's chain gave no credentials.
    NoCredentials(String),
    /// Credentials or permissions do not suffice.
    Denied(String),
    /// It is not there.
    Missing(String),
    /// The bucket answers in another region.
    WrongRegion(String),
    /// It will say no again.
    Refused(String),
    /// It may say yes next time.
    Passing(String),
}

impl Fault {
    /// Sorts an HTTP status; `cause` says what the server said.
    pub(super) fn of_status(status: u16, cause: String) -> Self {
        match status {
            _ if PASSING_CODES.contains(&code_in(&cause)) => Self::Passing(cause),
            401 | 403 => Self::Denied(cause),
            404 | 410 => Self::Missing(cause),
            // A range beyond the end: the object was longer when it was opened.
            412 | 416 => Self::Changed(cause),
            408 | 425 | 429 | 500..=599 => Self::Passing(cause),
            400 if cause.contains("Expired") || cause.contains("InvalidToken") => Self::Denied(cause),
            _ => Self::Refused(cause),
        }
    }

    /// Sorts an error of object_store.
    pub(super) fn of_store(error: &object_store::Error) -> Self {
        use object_store::Error as Store;
        let text = error.to_string();
        let cause = s3_message(&text).unwrap_or_else(|| cut(&text));
        match error {
            Store::NotFound { .. } => Self::Missing(cause),
            Store::Precondition { .. } | Store::NotModified { .. } => Self::Changed(cause),
            Store::Unauthenticated { path, source } if path == CREDENTIALS_PATH => {
                Self::NoCredentials(cut(&source.to_string()))
            }
            Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => Self::Denied(cause),
            Store::Generic { .. } | Store::AlreadyExists { .. } if text.contains("without LOCATION") => {
                Self::WrongRegion(cause)
            }
            // The status of these is in the text alone: the type that holds it is private.
            Store::Generic { .. } => match status_in(&text) {
                Some(301 | 307) => Self::WrongRegion(cause),
                Some(status) => Self::of_status(status, cause),
                None => Self::Passing(cause),
            },
            // 409: two writers at once.
            Store::AlreadyExists { .. } => Self::Passing(cause),
            _ => Self::Refused(cause),
        }
    }

    /// Whether another try can help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_))
    }

    /// What the operator is told.
    pub(super) fn into_error(self, uri: &str, doing: Doing) -> Error {
        let (error, cause) = match self {
            Self::Changed(cause) => (
                Error::input("the object changed while it was read")
                    .help("a newer export has taken its place: run again to read that one"),
                cause,
            ),
            Self::NoCredentials(cause) => (
                Error::access("no AWS credentials were found").help(
                    "set AWS_PROFILE (after `aws sso login` if it is an SSO profile), or give this machine a role",
                ),
                cause,
            ),
            Self::Denied(cause) => (denied(doing), cause),
            Self::Missing(cause) => (missing(uri, doing), cause),
            Self::WrongRegion(cause) => (
                Error::usage("the bucket is in another region than the one that was asked").help(
                    "set AWS_REGION to the bucket's region; ControlShift's are us-east-1 and, for the EU, eu-central-1",
                ),
                cause,
            ),
            Self::Refused(cause) => (
                Error::access("the server refuses the request").help("check the location and the settings"),
                cause,
            ),
            Self::Passing(cause) => (
                Error::transient("the server does not answer as it should, also after retries")
                    .help("run again in a few minutes; if it stays, check the network and the endpoint"),
                cause,
            ),
        };
        error.because(cause).at(Place::uri(uri))
    }
}

fn denied(doing: Doing) -> Error {
    match doing {
        Doing::Reading => Error::access("access was denied").help(
            "an export is readable for 6 hours after it was made: request a new one, or take tonight's; \
             if it is younger, check the credentials and that they may s3:GetObject it",
        ),
        Doing::Listing => Error::access("listing the bucket was denied")
            .help("allow these credentials s3:ListBucket on the bucket, or name one export with --export"),
        Doing::Writing => Error::access("writing was denied").help(
            "allow these credentials s3:PutObject, s3:GetObject and s3:AbortMultipartUpload below the staging place",
        ),
    }
}

fn missing(uri: &str, doing: Doing) -> Error {
    match doing {
        Doing::Reading if uri.starts_with("http") => {
            Error::access("there is nothing at this URL").help("check the URL")
        }
        Doing::Reading => Error::access("there is no such object").help("check the bucket and the key"),
        Doing::Listing | Doing::Writing => {
            Error::access("there is no such bucket or object").help("check the names")
        }
    }
}

/// The code of what an S3 error document said, which stands first or behind the status.
fn code_in(cause: &str) -> &str {
    let behind =
        cause.split_once(", ").filter(|(status, _)| status.starts_with(|c: char| c.is_ascii_digit()));
    behind.map_or(cause, |(_, said)| said).split(':').next().unwrap_or_default()
}

/// `Code: Message` of an S3 error document inside `text`.
pub(super) fn s3_message(text: &str) -> Option<String> {
    let inside = |tag: &str| {
        let start = text.find(&format!("<{tag}>"))? + tag.len() + 2;
        Some(&text[start..start + text[start..].find("</")?])
    };
    let code = inside("Code")?;
    Some(cut(&inside("Message").map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))))
}

/// An error with everything underneath, no longer than a cause may be.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    cut(&error::in_full(error))
}

/// The text, no longer than a cause may be.
pub(super) fn cut(text: &str) -> String {
    error::cut(text, CAUSE_CHARS_MAX)
}

fn status_in(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_an_exit_code_and_advice() {
        for (status, cause, code, advice) in [
            (401, "", 3, "6 hours"),
            (403, "AccessDenied: Request has expired", 3, "6 hours"),
            (400, "ExpiredToken: The provided token has expired", 3, "6 hours"),
            (400, "InvalidArgument", 3, "check the location"),
            (400, "InvalidArgument: RequestTimeout is no argument", 3, "check the location"),
            (400, "RequestTimeout: nothing was read or written for too long", 7, "few minutes"),
            (400, "400 Bad Request, RequestTimeout: nothing was read", 7, "few minutes"),
            (400, "BadDigest: another body came", 7, "few minutes"),
            (409, "OperationAborted: a conflicting operation is under way", 7, "few minutes"),
            (404, "", 3, "check the bucket and the key"),
            (412, "", 1, "run again"),
            (416, "", 1, "run again"),
            (429, "", 7, "few minutes"),
            (503, "SlowDown", 7, "few minutes"),
        ] {
            let error = Fault::of_status(status, cause.to_owned()).into_error("s3://b/k", Doing::Reading);
            let help = error.detail().map(|detail| detail.help.clone()).unwrap_or_default();
            assert_eq!(error.exit_code(), code, "{status} {cause}");
            assert!(help.contains(advice), "{status} {cause}: {help}");
        }
    }

    #[test]
    fn what_is_missing_is_named_as_it_was_asked_for() {
        for (uri, help) in
            [("s3://b/k", "check the bucket and the key"), ("https://h/s.json", "check the URL")]
        {
            let error = Fault::Missing(String::new()).into_error(uri, Doing::Reading);
            assert_eq!(error.detail().map(|detail| detail.help.as_str()), Some(help), "{uri}");
        }
    }

    #[test]
    fn what_the_server_said_is_short() {
        let page = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message><HostId>x</HostId></Error>";
        assert_eq!(s3_message(page).as_deref(), Some("AccessDenied: Request has expired"));
        assert_eq!(s3_message("<Code>Cut"), None);
        assert_eq!(cut(&"ä".repeat(1000)).chars().count(), CAUSE_CHARS_MAX + 1);
        assert_eq!(status_in("Server returned non-2xx status code: 403 Forbidden: "), Some(403));
    }
}
