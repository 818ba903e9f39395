//! How other processes write into a place that this one has begun.

use super::location::Location;
use serde::{Deserialize, Serialize};

/// A place as another process, on another machine maybe, reaches it. Credentials are no part of it: each machine has its
/// own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outpost {
    /// The folder as an absolute path, or the prefix; see [`Location`].
    pub location: String,
    /// What stands before the name of each file.
    pub prefix: String,
    /// The file or object that lies there for as long as files may come; none: for as long as the folder is there.
    pub while_there: Option<String>,
    /// The same location as it was named, by which its files are told.
    pub shown: String,
    /// `staging.sse`, and `staging.kms_key`.
    pub encryption: Option<(String, Option<String>)>,
}

impl Outpost {
    /// A location that others read as it is written. None for standard input, URLs, and paths that are no text.
    pub fn new(location: &Location, while_there: Option<String>) -> Option<Self> {
        let shown = location.to_string();
        let location = match location {
            Location::Local(path) => std::path::absolute(path).ok()?.to_str()?.to_owned(),
            Location::S3 { .. } => location.to_string(),
            Location::Stdin | Location::Https(_) => return None,
        };
        Some(Self { location, prefix: String::new(), while_there, shown, encryption: None })
    }
}
