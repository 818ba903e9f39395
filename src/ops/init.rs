//! A first configuration file, from a few answers.
//!
//! ```text
//! Answers ──▶ keys and values ──▶ what each key is for (config::keys) ──▶ csl-stream.toml, which is new
//! ```

use crate::config::{Key, REDSHIFT, keys};
use crate::error::{Error, Place, Result};
use crate::ops::Location;
use crate::store::private;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// ControlShift's buckets by the region they lie in; the first is where most organisations are.
pub const BUCKETS: [(&str, &str); 2] = [
    ("us-east-1", "agra-data-exports-production"),
    ("eu-central-1", "agra-data-exports-production-eu-central-1"),
];

/// Keys that the file shows though nobody answered them, with an example where there is no default.
const SHOWN: [(&str, &str); 6] = [
    ("redshift.schema", ""),
    ("redshift.iam_role", ""),
    ("load.max_rejects", ""),
    ("load.create_table", ""),
    ("privacy.preset", ""),
    ("alerts.slack_url", "https://hooks.slack.com/services/…"),
];

const HEAD: &str = "\
# The configuration of csl-stream. `csl-stream config` shows every key with its value and where it came from,
# `csl-stream check` whether all that a load needs is there. Flags and CSL_<SECTION>_<KEY> in the environment
# win over this file; relative paths count from its folder.
";
const OF_REDSHIFT: &str = "\
#
# AWS credentials come from AWS's own chain, and AWS_REGION is Redshift's region: neither stands here.
";

/// What a load must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Folder or `s3://` place that holds `full/` and `incremental/`.
    pub exports: String,
    /// The organisation, if the exports are ControlShift's own.
    pub slug: Option<String>,
    /// The bulk schema: a file or a URL.
    pub schema: String,
    /// Where tables go.
    pub target: Target,
}

/// Where tables go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This folder.
    Folder(String),
    /// Amazon Redshift.
    Redshift {
        /// The key that names it, `workgroup` or `cluster`, and the name.
        named: (&'static str, String),
        /// Database that holds the mirror.
        database: String,
        /// `s3://` place of what waits for its COPY.
        staging: String,
    },
}

impl Answers {
    fn keys(&self) -> Vec<(String, &str)> {
        let mut set = vec![("exports.root", self.exports.as_str())];
        set.extend(self.slug.as_deref().map(|slug| ("exports.slug", slug)));
        set.push(("schema.source", &self.schema));
        let mut set: Vec<_> = set.into_iter().map(|(path, value)| (path.to_owned(), value)).collect();
        match &self.target {
            Target::Folder(folder) => set.push(("warehouse.to".to_owned(), folder)),
            Target::Redshift { named: (key, name), database, staging } => set.extend([
                ("warehouse.to".to_owned(), REDSHIFT),
                (format!("redshift.{key}"), name),
                ("redshift.database".to_owned(), database),
                ("staging.url".to_owned(), staging),
            ]),
        }
        set
    }

    /// The file's text: what was answered, with what each key is for, and a few others as comments.
    pub fn file(&self) -> String {
        let set = self.keys();
        let is_redshift = matches!(self.target, Target::Redshift { .. });
        let mut text = HEAD.to_owned();
        text += if is_redshift { OF_REDSHIFT } else { "" };
        let mut section = "";
        for key in keys() {
            let path = key.path();
            let answer = set.iter().find(|(name, _)| *name == path).map(|(_, value)| *value);
            let example = SHOWN.iter().find(|(name, _)| *name == path).map(|(_, example)| *example);
            let line = match (answer, example) {
                (Some(value), _) => format!("{} = {}", key.name, quoted(value)),
                (None, Some(_)) if key.section == "redshift" && !is_redshift => continue,
                (None, Some(example)) => format!("# {} = {}", key.name, default(key, example)),
                (None, None) => continue,
            };
            if section != key.section {
                section = &key.section;
                text += &format!("\n[{section}]\n");
            }
            text += &format!("# {}\n{line}\n", key.about);
        }
        text
    }
}

/// As TOML writes a text.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn default(key: &Key, example: &str) -> String {
    let value = key.default.as_ref().map(ToString::to_string);
    value.unwrap_or_else(|| quoted(example))
}

/// Where ControlShift puts an organisation's exports.
///
/// # Errors
/// [`Error::Usage`] for a slug that is none, or a region that has no bucket.
pub fn exports_of(slug: &str, region: &str) -> Result<String> {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if slug.is_empty() || !slug.chars().all(letter) {
        return Err(Error::usage("a slug is letters, digits, hyphens, dots and underscores")
            .help("it is the first part of an export's key: my-org in s3://…/my-org/full/signatures/…"));
    }
    let bucket = BUCKETS.iter().find(|(name, _)| *name == region).map(|(_, bucket)| bucket);
    let bucket = bucket.ok_or_else(|| {
        let regions = BUCKETS.map(|(region, _)| region).join(" or ");
        Error::usage(format!("ControlShift has no bucket of exports in this region; it is {regions}"))
            .help("give the place itself: --exports s3://bucket/slug")
    })?;
    Ok(format!("s3://{bucket}/{slug}"))
}

/// Whether it can be where Parquet is staged.
///
/// # Errors
/// [`Error::Usage`] for all that is not in S3.
pub fn check_staging(place: &str) -> Result<()> {
    match Location::parse(place)? {
        Location::S3 { .. } => Ok(()),
        _ => Err(Error::usage("Redshift's COPY reads from S3 alone")
            .help("name a place in a bucket of yours: s3://bucket/prefix")),
    }
}

/// Says that a file of this name is there, before anything is asked.
///
/// # Errors
/// [`Error::Usage`] if it is.
pub fn refuse_present(path: &Path) -> Result<()> {
    // A link that leads nowhere is there too.
    if path.symlink_metadata().is_ok() { Err(present(path)) } else { Ok(()) }
}

fn present(path: &Path) -> Error {
    Error::usage("there is a configuration file already, and it is not replaced")
        .at(Place::uri(path.display().to_string()))
        .help("edit it, move it away, or name another: --config FILE")
}

/// Writes the file, if none of its name is there.
///
/// # Errors
/// [`Error::Usage`] if one is; whatever the file system refuses.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let mut file = private::open(File::options().write(true).create_new(true), path).map_err(|cause| {
        match cause.kind() {
            ErrorKind::AlreadyExists => present(path),
            _ => Error::io("cannot write the configuration", path, cause),
        }
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|cause| {
        // Half a file would be refused, and never replaced.
        let _ = std::fs::remove_file(path);
        Error::io("cannot write the configuration", path, cause)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn redshift(named: &'static str) -> Answers {
        let text = |text: &str| text.to_owned();
        Answers {
            exports: exports_of("my-org", "eu-central-1").unwrap(),
            slug: Some(text("my-org")),
            schema: text("https://action.example.org/api/bulk_data/schema.json"),
            target: Target::Redshift {
                named: (named, text("mirror")),
                database: text("dev"),
                staging: text("s3://bucket/prefix"),
            },
        }
    }

    fn folder(name: &str) -> Answers {
        let exports = "ex \"ports\"\\é".to_owned();
        Answers { exports, slug: None, schema: "s.json".to_owned(), target: Target::Folder(name.to_owned()) }
    }

    fn loaded(dir: &Path, name: &str, text: &str) -> Config {
        let path = dir.join(name);
        write(&path, text).unwrap();
        let config = Config::load(Some(&path)).unwrap();
        config.check().unwrap();
        config
    }

    #[test]
    fn what_is_answered_is_what_the_program_reads() {
        let dir = tempfile::tempdir().unwrap();
        for (at, answers) in [redshift("workgroup"), redshift("cluster"), folder("w")].iter().enumerate() {
            let text = answers.file();
            let tree = loaded(dir.path(), &format!("{at}.toml"), &text);
            let found: Vec<_> = tree
                .shown()
                .filter(|(_, _, origin)| origin.to_string().contains(".toml:"))
                .map(|(key, value, _)| (key.path(), value.as_str().unwrap().to_owned()))
                .collect();
            let beside = |value: &str| dir.path().join(value).display().to_string();
            let mut wanted: Vec<_> =
                answers.keys().into_iter().map(|(path, value)| (path, value.to_owned())).collect();
            for (path, value) in &mut wanted {
                let is_url = value.contains("://") || value == REDSHIFT;
                if ["exports.root", "schema.source", "warehouse.to"].contains(&path.as_str()) && !is_url {
                    *value = beside(value);
                }
            }
            let order = |path: &str| keys().iter().position(|key| key.path() == path);
            wanted.sort_by_key(|(path, _)| order(path));
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn what_stands_in_a_comment_can_be_taken_out_of_it() {
        let dir = tempfile::tempdir().unwrap();
        for (at, answers) in [redshift("workgroup"), folder("w")].iter().enumerate() {
            let bare = answers.file().replace("\n# ", "\n").lines().fold(String::new(), |text, line| {
                let is_ours = line.starts_with('[') || line.split_once(" = ").is_some_and(is_assignment);
                if is_ours { text + line + "\n" } else { text }
            });
            loaded(dir.path(), &format!("{at}.toml"), &bare);
            assert_eq!(bare.contains("iam_role"), at == 0, "{bare}");
            assert!(bare.contains("slack_url") && bare.contains("max_rejects = 0"), "{bare}");
        }
    }

    fn is_assignment((name, _): (&str, &str)) -> bool {
        name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        write(&path, "# mine\n").unwrap();
        for refused in [refuse_present(&path), write(&path, "# yours\n")] {
            assert_eq!(refused.unwrap_err().exit_code(), 2);
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# mine\n");
        #[cfg(unix)]
        {
            let link = dir.path().join("link.toml");
            std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
            assert!(refuse_present(&link).is_err() && write(&link, "# yours\n").is_err());
            assert!(!dir.path().join("nowhere").exists());
        }
    }

    #[test]
    fn answers_that_cannot_be_are_refused() {
        for (slug, region) in [("", "us-east-1"), ("a/b", "us-east-1"), ("a b", "us-east-1"), ("a", "mars")] {
            assert!(exports_of(slug, region).is_err(), "{slug} {region}");
        }
        for place in ["", "bucket/prefix", "https://bucket/prefix", "-"] {
            assert!(check_staging(place).is_err(), "{place}");
        }
    }
}
