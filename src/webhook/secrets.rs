//! Where the signing secrets come from, and how they are changed without a restart.
//!
//! ```text
//! webhook.secrets ─────────── as it is ───────────────┐
//! webhook.secret_file ─────── read when it changes ───┼─▶ Keys: any of them confirms
//! webhook.secret_arn ──────── asked every 5 minutes ──┘
//!        ▲ and at once, but for the last ten seconds, when a signature does not agree
//! ```
//! What was known stays in force while a source fails: a passing fault must not turn webhooks away.

use super::signature::{Keys, SECRETS_MAX};
use crate::error::{Error, Place, Result};
use crate::store::secret;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

/// Secrets Manager is asked again after this time.
pub const FRESH: Duration = Duration::from_secs(300);
/// And not sooner than after this time, whatever is sent to the receiver.
pub const ASK_AGAIN: Duration = Duration::from_secs(10);
/// The file is looked at this often at most.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The sources; several are added up.
#[derive(Clone, Default)]
pub struct Sources {
    /// Secrets as they are.
    pub list: Vec<String>,
    /// A file, one secret a line.
    pub file: Option<PathBuf>,
    /// A secret of Secrets Manager: the lines of a text, or JSON: `["…"]`, `{"secrets": ["…"]}`.
    pub arn: Option<String>,
}

/// The secrets as they are now.
pub struct Secrets {
    sources: Sources,
    held: RwLock<Held>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    keys: Arc<Keys>,
    of_file: Vec<String>,
    seen: Option<Seen>,
    looked: Option<Instant>,
    of_arn: Vec<String>,
    asked: Option<Instant>,
}

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Secrets {
    /// Secrets of these sources. The file is read now, Secrets Manager is asked when the first webhook comes.
    ///
    /// # Errors
    /// [`Error::Usage`] if no source is named or there are too many secrets; of the file's, if it cannot be
    /// read or holds none.
    pub fn open(mut sources: Sources) -> Result<Self> {
        if sources.list.is_empty() && sources.file.is_none() && sources.arn.is_none() {
            return Err(Error::usage("no signing secret was named").help(
                "set webhook.secret_file, webhook.secret_arn or webhook.secrets to the secret of the webhook \
                 endpoint in ControlShift; webhook.signature = \"unchecked\" takes webhooks from anybody",
            ));
        }
        if !sources.list.is_empty() {
            sources.list = counted(sources.list).map_err(|error| error.help("correct webhook.secrets"))?;
        }
        let mut held = Held::default();
        if let Some(path) = &sources.file {
            held.seen = Some(look(path)?);
            held.of_file = read(path)?;
            held.looked = Some(Instant::now());
        }
        held.keys = Arc::new(keys(&sources, &held));
        Ok(Self { sources, held: RwLock::new(held), asking: tokio::sync::Mutex::new(()) })
    }

    /// The keys of now; none if no source gave any yet.
    pub async fn keys(&self) -> Arc<Keys> {
        let now = Instant::now();
        let (look, ask, known) = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            (is_due(held.looked, LOOK_AGAIN, now), is_due(held.asked, FRESH, now), !held.of_arn.is_empty())
        };
        if look && self.sources.file.is_some() {
            self.look_again();
        }
        if ask || !known {
            self.ask_again(!known).await;
        }
        self.now()
    }

    /// The keys, looked up once more because a signature did not agree; none if they are the same.
    pub async fn newer(&self, than: &Arc<Keys>) -> Option<Arc<Keys>> {
        if self.sources.file.is_some() {
            self.look_again();
        }
        self.ask_again(true).await;
        let now = self.now();
        (!Arc::ptr_eq(&now, than)).then_some(now)
    }

    fn now(&self) -> Arc<Keys> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).keys)
    }

    /// Reads the file if it is another; a local file of a few lines, so nothing is gained by another thread.
    fn look_again(&self) {
        let Some(path) = &self.sources.file else { return };
        let found = look(path);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.looked = Some(Instant::now());
        let seen = match found {
            Ok(seen) if held.seen.as_ref() == Some(&seen) => return,
            Ok(seen) => seen,
            Err(error) => return kept(&error),
        };
        match read(path) {
            Ok(secrets) => {
                tracing::info!(count = secrets.len(), "the file of signing secrets has changed");
                (held.seen, held.of_file) = (Some(seen), secrets);
                held.keys = Arc::new(keys(&self.sources, &held));
            }
            Err(error) => kept(&error),
        }
    }

    /// Asks Secrets Manager, unless it was asked just now. Others wait for the answer if they must have it.
    async fn ask_again(&self, wait: bool) {
        let Some(arn) = &self.sources.arn else { return };
        let asking = match wait {
            true => self.asking.lock().await,
            false => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return,
            },
        };
        let asked = self.held.read().unwrap_or_else(PoisonError::into_inner).asked;
        if is_due(asked, ASK_AGAIN, Instant::now()) {
            self.take(ask(arn).await);
        }
        drop(asking);
    }

    fn take(&self, answer: Result<Vec<String>>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.asked = Some(Instant::now());
        match answer {
            Ok(secrets) if secrets == held.of_arn => {}
            Ok(secrets) => {
                tracing::info!(count = secrets.len(), "signing secrets came from Secrets Manager");
                held.of_arn = secrets;
                held.keys = Arc::new(keys(&self.sources, &held));
            }
            Err(error) => kept(&error),
        }
    }
}

fn kept(error: &Error) {
    tracing::warn!(%error, "the signing secrets could not be read again; the old ones stay in force");
}

fn is_due(last: Option<Instant>, after: Duration, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= after)
}

fn keys(sources: &Sources, held: &Held) -> Keys {
    let all: Vec<&String> = sources.list.iter().chain(&held.of_file).chain(&held.of_arn).collect();
    Keys::new(&all)
}

fn look(path: &Path) -> Result<Seen> {
    let found = std::fs::metadata(path);
    let found = found.map_err(|cause| Error::io("cannot read the signing secrets", path, cause))?;
    Ok(Seen { modified: found.modified().ok(), length: found.len(), inode: inode(&found) })
}

#[cfg(unix)]
fn inode(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_found: &std::fs::Metadata) -> u64 {
    0
}

fn read(path: &Path) -> Result<Vec<String>> {
    let place = Place::uri(path.display().to_string());
    let text = text_of(secret::of_file("the file of signing secrets", path)?)
        .map_err(|error| error.at(place.clone()))?;
    of_lines(&text).map_err(|error| error.at(place).help("write one secret a line into the file"))
}

fn of_lines(text: &str) -> Result<Vec<String>> {
    counted(text.lines().map(|line| line.trim().to_owned()).collect())
}

/// Without the blank ones: neither none nor too many. A mark of the encoding, which editors write before a
/// text and nobody sees, is no part of a secret.
fn counted(mut secrets: Vec<String>) -> Result<Vec<String>> {
    for secret in &mut secrets {
        if let Some(unmarked) = secret.trim_start().strip_prefix(BYTE_ORDER_MARK) {
            *secret = unmarked.trim_start().to_owned();
        }
    }
    secrets.retain(|secret| !secret.trim().is_empty());
    match secrets.len() {
        0 => Err(Error::usage("there is no signing secret")),
        count if count > SECRETS_MAX => Err(Error::usage(format!("{count} signing secrets are too many"))),
        _ => Ok(secrets),
    }
}

async fn ask(arn: &str) -> Result<Vec<String>> {
    let text = secret::of_arn("the signing secrets", arn).await.and_then(text_of);
    text.and_then(|text| of_text(&text)).map_err(|error| error.at(Place::uri(arn)))
}

fn text_of(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Error::usage("the signing secrets are no text in UTF-8"))
}

/// What a secret's text holds: lines, or JSON.
fn of_text(text: &str) -> Result<Vec<String>> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if !text.trim_start().starts_with(['[', '{']) {
        return of_lines(text);
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Form {
        List(Vec<String>),
        Named { secrets: Vec<String> },
        One { secret: String },
    }
    // serde_json's own words could repeat the secret.
    match serde_json::from_str(text) {
        Ok(Form::List(secrets) | Form::Named { secrets }) => counted(secrets),
        Ok(Form::One { secret }) => counted(vec![secret]),
        Err(_) => Err(Error::usage("the secret's JSON has another form")
            .help("write [\"…\"], {\"secrets\": [\"…\"]}, {\"secret\": \"…\"}, or the secret alone")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::signature::{Claim, header_of};
    use super::*;

    #[test]
    fn forms_of_a_secret() {
        for (text, expected) in [
            ("one", &["one"][..]),
            (" one \n\ntwo\r\n", &["one", "two"]),
            ("[\"one\", \"two\"]", &["one", "two"]),
            ("\u{feff}one\r\n\u{feff}two", &["one", "two"]),
            ("\u{feff}[\"one\", \"\u{feff}two\"]", &["one", "two"]),
            ("\u{feff}\r\n", &[]),
            ("{\"secrets\": [\"one\", \"\"]}", &["one"]),
            ("{\"secret\": \"one\"}", &["one"]),
            ("", &[]),
            ("[]", &[]),
            ("[\"\", \" \"]", &[]),
            ("{\"secret\": \"\"}", &[]),
            ("{\"secret\": \" \"}", &[]),
            ("{\"password\": \"x\"}", &[]),
            ("{\"secrets\": 7}", &[]),
            ("1\n2\n3\n4\n5\n6\n7\n8\n9", &[]),
        ] {
            let found = of_text(text);
            assert_eq!(found.is_ok(), !expected.is_empty(), "{text}");
            assert_eq!(found.unwrap_or_default(), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_again_when_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets");
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        };
        write(&path, "old\n");
        let sources = Sources { file: Some(path.clone()), ..Sources::default() };
        let secrets = Secrets::open(sources).unwrap();
        let signed = |secret: &str| Claim::parse(header_of(secret.as_bytes(), b"x").as_bytes()).unwrap();
        let first = secrets.keys().await;
        assert!(first.confirm(&signed("old"), b"x") && !first.confirm(&signed("new"), b"x"));
        assert!(secrets.newer(&first).await.is_none());
        for (content, old, new) in [("old\nnew\n", true, true), ("", true, true), ("new\n", false, true)] {
            // A rename, as an editor and Kubernetes do it.
            let next = dir.path().join("next");
            write(&next, content);
            std::fs::rename(&next, &path).unwrap();
            let before = secrets.now();
            let keys = secrets.newer(&before).await.unwrap_or(before);
            assert_eq!((keys.confirm(&signed("old"), b"x"), keys.confirm(&signed("new"), b"x")), (old, new));
        }
        std::fs::remove_file(&path).unwrap();
        assert!(secrets.keys().await.confirm(&signed("new"), b"x"));
    }

    #[test]
    fn no_source_is_a_mistake() {
        assert_eq!(Secrets::open(Sources::default()).err().unwrap().exit_code(), 2);
        let blank = Sources { list: vec![" ".to_owned()], ..Sources::default() };
        assert_eq!(Secrets::open(blank).err().unwrap().exit_code(), 2);
        let missing = Sources { file: Some("/no/such/file".into()), ..Sources::default() };
        assert_eq!(Secrets::open(missing).err().unwrap().exit_code(), 3);
    }
}
