//! What Redshift's messages mean: one table, read by codes and places first, by whole phrases then. Pure.
//!
//! ```text
//! Query #2 failed with ERROR: 1023 DETAIL: Serializable isolation violation on table - 7 … SQLSTATE: 40001
//!                             number       details                                        state
//! ERROR: Load into table 't' failed - S3ServiceException:…,Status 403,Error AccessDenied,Rid …
//!        what                                                               S3's code
//! ```
//!
//! A name (of a table, a role, a file) can hold any word, so names are taken out before a phrase is looked
//! for: what stands between quotes and what is an address. A phrase that a bare name may follow counts only
//! at the beginning. What is refused or lasts stands above what passes.

/// What comes next after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The same transaction may do better when it is run again from its beginning.
    Passing,
    /// A table went, or was made anew, under the statement's hands: to be looked at again.
    Moved,
    /// Redshift, or somebody, ended it. Not run again at once.
    Ended,
    /// Somebody must grant something, or name it right.
    Access,
    /// The table is not what the files were made for.
    Schema,
    /// It stays until somebody does something about it.
    Lasting,
}

/// Where a message is looked at.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// SQLSTATE, or the beginning of some (PostgreSQL, appendix A).
    State(&'static str),
    /// Redshift's own number behind `ERROR:`.
    Number(u32),
    /// S3's code: `…,Status 403,Error AccessDenied`, or as a word of Spectrum's context.
    S3(&'static str),
    /// The message begins so; names may follow.
    Starts(&'static str),
    /// The message begins with the first and ends with the second; a name stands between.
    Around(&'static str, &'static str),
    /// The message, or its details, hold this phrase outside of names.
    Phrase(&'static str),
}
use Class::{Access, Ended, Lasting, Moved, Passing, Schema};
use Sign::{Around, Number, Phrase, S3, Starts, State};

const GRANT: &str = "grant the database user what it lacks; `csl-stream check` names it, and `csl-stream schema ddl --ledger` prints all of it";
const ROLE: &str = "let the COPY role (redshift.iam_role) read the staging bucket (s3:GetObject, s3:ListBucket, its KMS key), \
    attach it to the cluster or workgroup, and look at the bucket's policy: COPY of Parquet reads by pre-signed URLs";
const AGAIN: &str = "it passes by itself: run it again in a few minutes; what was loaded is not loaded twice";
const CREATE: &str =
    "create the table: csl-stream schema ddl prints the statement, with --ledger those of the ledger";
const ANEW: &str = "the table is not what the files were written for: run backfill again, it writes them in the table's types";
const BUCKET: &str = "staging.url names a bucket that is not there, or that Redshift does not see under this name: correct it, or make the bucket";
const REGION: &str = "stage in a bucket of Redshift's own region: COPY of Parquet reads from no other";
const HOUR: &str = "COPY of Parquet reads by URLs that live for an hour: load when Redshift has less to do or is larger; a policy on s3:signatureAge must allow 3,600,000 ms";
const STAGED: &str = "a staged file is gone: nobody else may remove objects in the staging place; run backfill again, it stages what is missing";
const DISK: &str = "Redshift's disks are full: delete, VACUUM or resize, then run it again; a full load needs room for both tables";
const RULE: &str = "a query monitoring rule, a queue's or a statement's time limit of Redshift ended it: give the user that loads a queue with room, then run it again";
const STOPPED: &str = "somebody cancelled it in Redshift: run it again when it may run";

/// Each message, with its class and its advice; the first that fits counts. Sources: Redshift's developer
/// guide (c_serial_isolation-serializable-isolation-troubleshooting, c-spectrum-troubleshooting,
/// r_COPY, r_LOCK, cm-c-wlm-query-monitoring-rules), S3's error responses, PostgreSQL's appendix A.
const MESSAGES: &[(Sign, Class, &str)] = &[
    // Refused, whatever is named behind it.
    (Starts("permission denied"), Access, GRANT),
    (Starts("must be owner"), Access, GRANT),
    (Starts("must be the owner"), Access, GRANT),
    (Starts("must be superuser"), Access, GRANT),
    // Codes at their places.
    (State("42501"), Access, GRANT),
    (State("28"), Access, "check the login: redshift.secret_arn, redshift.db_user, or this identity's own"),
    (State("40"), Passing, AGAIN),
    (State("08"), Passing, AGAIN),
    (State("57P0"), Passing, AGAIN),
    (State("53300"), Passing, AGAIN),
    (State("53100"), Lasting, DISK),
    (State("57014"), Ended, RULE),
    (State("42P01"), Moved, CREATE),
    (State("42701"), Moved, AGAIN),
    (State("42703"), Schema, ANEW),
    (State("22001"), Schema, ANEW),
    (Number(1023), Passing, AGAIN),
    (Number(1018), Moved, CREATE),
    // Refused.
    (S3("NoSuchBucket"), Access, BUCKET),
    (S3("NoSuchKey"), Lasting, STAGED),
    (S3("PermanentRedirect"), Access, REGION),
    (S3("AuthorizationHeaderMalformed"), Access, REGION),
    (Phrase("request has expired"), Lasting, HOUR),
    (S3("AccessDenied"), Access, ROLE),
    (S3("AllAccessDisabled"), Access, ROLE),
    (S3("InvalidAccessKeyId"), Access, ROLE),
    (S3("ExpiredToken"), Access, ROLE),
    (S3("SignatureDoesNotMatch"), Access, ROLE),
    (Phrase("is not authorized to"), Access, ROLE),
    (Phrase("not authorized to assume"), Access, ROLE),
    (Phrase("access denied"), Access, ROLE),
    // The table and the files.
    (Phrase("unmatched number of columns"), Schema, ANEW),
    (Phrase("incompatible parquet s"), Schema, ANEW),
    (Starts("value too long for"), Schema, ANEW),
    (Starts("multibyte character not supported"), Schema, ANEW),
    (Starts("cannot set an identity column"), Schema, ANEW),
    (Around("column ", " of relation does not exist"), Schema, ANEW),
    (Around("column ", " does not exist"), Schema, ANEW),
    (Starts("cannot insert a null value into column"), Schema, ANEW),
    // It went, or came anew; a column that another has just added.
    (Around("column ", " already exists"), Moved, AGAIN),
    (Starts("could not open relation with oid"), Moved, CREATE),
    (Around("table ", " dropped by concurrent transaction"), Moved, CREATE),
    (Around("relation ", " dropped by concurrent transaction"), Moved, CREATE),
    (Around("relation ", " does not exist"), Moved, CREATE),
    (Around("table ", " does not exist"), Moved, CREATE),
    (Starts("cannot copy into nonexistent table"), Moved, CREATE),
    (Starts("cache lookup failed for relation"), Moved, CREATE),
    // It lasts.
    (Starts("disk full"), Lasting, DISK),
    // Somebody ended it.
    (Phrase("by wlm abort action"), Ended, RULE),
    (Phrase("canceling statement due to statement timeout"), Ended, RULE),
    (Phrase("cancelled on user's request"), Ended, STOPPED),
    (Phrase("canceled on user's request"), Ended, STOPPED),
    (Phrase("canceling statement due to user request"), Ended, STOPPED),
    // It passes.
    (Phrase("serializable isolation violation"), Passing, AGAIN),
    (Starts("could not serialize access"), Passing, AGAIN),
    (Starts("deadlock detected"), Passing, AGAIN),
    (Phrase("conflict with concurrent transaction"), Passing, AGAIN),
    (Starts("concurrent transaction conflict"), Passing, AGAIN),
    (Starts("terminating connection due to"), Passing, AGAIN),
    (Starts("connection to the cluster was lost"), Passing, AGAIN),
    (Starts("server closed the connection"), Passing, AGAIN),
    (Starts("could not connect to"), Passing, AGAIN),
    (Starts("connection refused"), Passing, AGAIN),
    (Starts("connection timed out"), Passing, AGAIN),
    (Starts("connection reset"), Passing, AGAIN),
    (Starts("too many connections"), Passing, AGAIN),
    (Starts("connection limit"), Passing, AGAIN),
    (Starts("the database system is"), Passing, AGAIN),
    (Starts("session expired"), Passing, AGAIN),
    (Phrase("cluster is restarting"), Passing, AGAIN),
    (Phrase("cluster is resizing"), Passing, AGAIN),
    (S3("InternalError"), Passing, AGAIN),
    (S3("SlowDown"), Passing, AGAIN),
    (S3("ServiceUnavailable"), Passing, AGAIN),
    (S3("RequestTimeout"), Passing, AGAIN),
    (S3("OperationAborted"), Passing, AGAIN),
    (S3("500"), Passing, AGAIN),
    (S3("502"), Passing, AGAIN),
    (S3("503"), Passing, AGAIN),
    (S3("504"), Passing, AGAIN),
    (Starts("s3 curl error"), Passing, AGAIN),
    (Starts("s3 query exception (fetch)"), Passing, AGAIN),
    (Phrase("retries exceeded"), Passing, AGAIN),
    (Phrase("access throttled"), Passing, AGAIN),
    (Phrase("resource limit exceeded"), Passing, AGAIN),
    (Phrase("no resources left"), Passing, AGAIN),
    (Phrase("task failed due to an internal error"), Passing, AGAIN),
];

/// What a message that stands nowhere in the table is answered with.
const UNKNOWN: (Class, &str) = (Lasting, "look up Redshift's own words, which are the cause");

/// Class and advice of a message.
pub(super) fn judge(message: &str) -> (Class, &'static str) {
    let said = Said::of(message);
    let found = MESSAGES.iter().find(|(sign, ..)| said.shows(*sign));
    found.map_or(UNKNOWN, |&(_, class, help)| (class, help))
}

/// Whether the message stands in the table.
pub(super) fn is_known(message: &str) -> bool {
    let said = Said::of(message);
    MESSAGES.iter().any(|(sign, ..)| said.shows(*sign))
}

/// Whether a message holds this phrase, in lower case, outside of names.
pub(super) fn says(message: &str, words: &str) -> bool {
    holds_phrase(&without_names(message).to_ascii_lowercase(), words)
}

/// Whether a guard has spoken: its own words are in the message, with the number that it counted. The
/// statement's text, which some errors repeat, has no number there.
pub(super) fn has_spoken(message: &str, words: &str) -> bool {
    let digit = |rest: &str| rest.trim_start().starts_with(|first: char| first.is_ascii_digit());
    message.match_indices(words).any(|(at, _)| digit(&message[at + words.len()..]))
}

/// A message, taken apart.
#[derive(Debug, Default)]
struct Said {
    number: Option<u32>,
    state: Option<String>,
    /// The main sentence, in lower case.
    what: String,
    /// All of it without names, in lower case.
    nameless: String,
    /// Words of the details and of S3's exception, as they are spelt.
    codes: Vec<String>,
}

impl Said {
    fn of(message: &str) -> Self {
        let message = after_error(message);
        let (number, rest) = number_first(message);
        let lower = rest.to_ascii_lowercase();
        let details = ["detail:", "context:", "hint:"].iter().filter_map(|word| lower.find(word)).min();
        let what = lower[..details.unwrap_or(lower.len())].trim().trim_end_matches(['.', ';']).to_owned();
        let details = &rest[details.unwrap_or(rest.len())..];
        let nameless = without_names(rest);
        Self {
            number,
            state: state_of(&nameless),
            what,
            codes: codes(rest, details),
            nameless: nameless.to_ascii_lowercase(),
        }
    }

    fn shows(&self, sign: Sign) -> bool {
        match sign {
            State(begin) => self.state.as_ref().is_some_and(|state| state.starts_with(begin)),
            Number(number) => self.number == Some(number),
            S3(code) => self.codes.iter().any(|found| found == code),
            Starts(words) => {
                let rest = self.what.strip_prefix(words);
                rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
            }
            Around(before, after) => {
                let inside = self.what.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                inside.is_some_and(is_one_name)
            }
            Phrase(words) => holds_phrase(&self.nameless, words),
        }
    }
}

/// The message behind the first `ERROR:`, whatever the Data API or a client puts before it.
fn after_error(message: &str) -> &str {
    let message = message.trim_start();
    let wrapped = message.strip_prefix("Query #").and_then(|rest| rest.split_once(" failed with "));
    let message = wrapped.map_or(message, |(_, rest)| rest).trim_start();
    let bare = ["ERROR:", "FATAL:", "PANIC:"].iter().find_map(|word| message.strip_prefix(word));
    bare.unwrap_or(message).trim_start()
}

/// `1023 DETAIL: …` is a number and the rest; `1023rd` and `10 rows` with more words are none.
fn number_first(message: &str) -> (Option<u32>, &str) {
    let digits = message.bytes().take_while(u8::is_ascii_digit).count();
    let rest = message[digits..].trim_start();
    let ends = rest.is_empty() || rest.to_ascii_lowercase().starts_with("detail");
    match message[..digits].parse() {
        Ok(number) if digits == 4 && ends => (Some(number), rest),
        _ => (None, message),
    }
}

/// The five signs behind the word SQLSTATE, with a colon, an equals sign or nothing between.
fn state_of(nameless: &str) -> Option<String> {
    let at = nameless.to_ascii_uppercase().find("SQLSTATE")?;
    let rest = nameless[at + "SQLSTATE".len()..].trim_start_matches([' ', ':', '=']);
    let state: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    (state.len() == 5 && state == state.to_ascii_uppercase()).then_some(state)
}

/// S3's codes: behind `,Status ` and `,Error ` of its exception, and the bare words of Spectrum's context.
fn codes(rest: &str, details: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(at) = rest.find("S3ServiceException") {
        for place in [",Status ", ",Error "] {
            // The last one: S3's own sentence before it may hold anything.
            let code = rest[at..].rsplit_once(place).map(|(_, code)| code);
            found.extend(
                code.map(|code| code.chars().take_while(char::is_ascii_alphanumeric).collect::<String>()),
            );
        }
        return found;
    }
    let lower = details.to_ascii_lowercase();
    if let Some(at) = lower.find("context:") {
        let context = &details[at + "context:".len()..];
        // Behind it Spectrum names the query, whose number is no status.
        let context = &context[..context.find("query:").unwrap_or(context.len())];
        found.extend(
            without_names(context)
                .split_whitespace()
                .map(|word| word.trim_matches([',', '.', ';', ':', '(', ')']).to_owned()),
        );
    }
    found
}

/// The text without what stands between quotes, and without addresses and paths.
fn without_names(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // An apostrophe within a word quotes nothing.
        let opens = first == '"' || (first == '\'' && !bare.ends_with(char::is_alphanumeric));
        let inside = &rest[first.len_utf8()..];
        match inside.find(first).filter(|_| opens) {
            Some(end) => {
                bare.push_str("\"\"");
                rest = &inside[end + first.len_utf8()..];
            }
            None => {
                bare.push(first);
                rest = inside;
            }
        }
    }
    let is_address = |word: &str| word.contains('/') || word.starts_with("arn:");
    let words: Vec<&str> =
        bare.split_whitespace().map(|word| if is_address(word) { "\"\"" } else { word }).collect();
    words.join(" ")
}

/// One name, with or without quotes, with or without its schema; a column's may be missing.
fn is_one_name(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('"') && text.ends_with('"') || !text.contains(char::is_whitespace)
}

/// The phrase as whole words: no letter, digit or sign of a name stands at its ends.
fn holds_phrase(text: &str, words: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.match_indices(words).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + words.len()..]);
        // A phrase may be cut off where Redshift cuts its messages.
        let goes_on = after.starts_with(of_name) && !after.starts_with('.') && !words.ends_with("parquet s");
        !before.ends_with(of_name) && !goes_on
    })
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
