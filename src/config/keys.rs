//! Every key that `csl-stream.toml` may hold. The list is the contract; the README's table is compared with it.

/// What a key's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text that is not empty.
    Text,
    /// A whole number from 0.
    Number,
    /// A whole number from 1.
    Count,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts; in the environment separated by commas.
    List,
    /// A list of these words.
    Words(&'static [&'static str]),
    /// A list of texts, or the word `all`.
    ListOrAll,
    /// `host:port`.
    Listen,
}

impl Kind {
    /// How an error names what is allowed.
    pub(super) fn wanted(self) -> String {
        match self {
            Self::Text => "a text in quotes that is not empty".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Count => "a whole number from 1".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::List => "a list of texts".to_owned(),
            Self::Words(words) => format!("a list of {}", words.join(", ")),
            Self::ListOrAll => "a list of texts, or \"all\"".to_owned(),
            Self::Listen => "an address and a port, like 127.0.0.1:8080".to_owned(),
        }
    }
}

/// One key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// `[section]` of the file.
    pub section: &'static str,
    /// Name in the section.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Its value when nobody sets it, as it would stand in the environment.
    pub default: Option<&'static str>,
    /// Whether its value is never shown.
    pub secret: bool,
    /// What it is for, in one line.
    pub about: &'static str,
}

impl Key {
    /// `section.name`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable: `CSL_<SECTION>_<KEY>`.
    pub fn variable(&self) -> String {
        format!("CSL_{}_{}", self.section.to_ascii_uppercase(), self.name.to_ascii_uppercase())
    }
}

const fn key(section: &'static str, name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { section, name, kind, default: None, secret: false, about }
}

const fn preset(
    section: &'static str,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    about: &'static str,
) -> Key {
    Key { section, name, kind, default: Some(default), secret: false, about }
}

/// What `load.overlong` may be; the flag takes the same words.
pub(super) const OVERLONG: &[&str] = &["truncate", "reject"];
/// What `load.empty_strings` may be; the flag takes the same words.
pub(super) const EMPTY_STRINGS: &[&str] = &["keep", "null"];
/// What `webhook.signature` may be.
pub(super) const SIGNATURE: &[&str] = &["required", "unchecked"];
/// What `work.kinds` may hold.
pub(super) const KINDS: &[&str] = &["full", "incremental"];

/// All keys, in the order in which `csl-stream config` prints them.
pub const KEYS: &[Key] = &[
    key("exports", "root", Kind::Text, "Folder or `s3://bucket/slug` that holds `full/` and `incremental/`"),
    preset(
        "exports",
        "buckets",
        Kind::List,
        "agra-data-exports-production,agra-data-exports-production-eu-central-1,agra-data-exports-staging",
        "Buckets that a webhook may name",
    ),
    key("exports", "slug", Kind::Text, "Organisation whose exports a webhook may name; absent: any"),
    key("schema", "source", Kind::Text, "The bulk schema: a file or the URL of `schema.json`"),
    preset("warehouse", "to", Kind::Text, "./warehouse", "Folder of the local warehouse, or `redshift`"),
    preset(
        "warehouse",
        "keep_versions",
        Kind::Count,
        "2",
        "Versions of a table that are kept, with the current one",
    ),
    key("redshift", "cluster", Kind::Text, "Provisioned cluster; this or `workgroup`"),
    key("redshift", "workgroup", Kind::Text, "Serverless workgroup; this or `cluster`"),
    key("redshift", "database", Kind::Text, "Database that holds the mirror"),
    preset("redshift", "schema", Kind::Text, "public", "Schema of the mirror's tables"),
    key("redshift", "secret_arn", Kind::Text, "Secret with the user's password; this, `db_user`, or neither"),
    key("redshift", "db_user", Kind::Text, "Database user for temporary credentials"),
    preset("redshift", "iam_role", Kind::Text, "default", "Role that COPY reads the staging bucket with"),
    key("staging", "url", Kind::Text, "Where Parquet is staged beside Redshift"),
    key("manifest", "url", Kind::Text, "Bucket for load manifests"),
    preset("manifest", "prefix", Kind::Text, "manifests", "Prefix of manifests that were loaded"),
    preset("manifest", "failed_prefix", Kind::Text, "failed", "Prefix of manifests that failed"),
    key("notify", "success_topic_arn", Kind::Text, "SNS topic that hears of loads"),
    key("notify", "failure_topic_arn", Kind::Text, "SNS topic that hears of failures"),
    key(
        "dynamodb",
        "batches_table",
        Kind::Text,
        "Table that loads are written into as batches; `LambdaRedshiftBatches` of the old loader",
    ),
    key(
        "dynamodb",
        "processed_files_table",
        Kind::Text,
        "Table of exports that were read; `LambdaRedshiftProcessedFiles` of the old loader",
    ),
    key(
        "glue",
        "job_name",
        Kind::Text,
        "Old Glue job that loads the same table: while it runs, a load waits",
    ),
    preset(
        "glue",
        "wait_minutes",
        Kind::Number,
        "30",
        "How long a load waits for that job; then it ends with exit code 7",
    ),
    key("glue", "database", Kind::Text, "Database of the Data Catalog that staged Parquet is registered in"),
    preset("webhook", "listen", Kind::Listen, "127.0.0.1:8080", "Address of the webhook receiver"),
    Key { secret: true, ..key("webhook", "secrets", Kind::List, "Signing secrets; any of them is accepted") },
    key("webhook", "secret_arn", Kind::Text, "Secret that holds the signing secrets"),
    key("webhook", "secret_file", Kind::Text, "File that holds the signing secrets, one a line"),
    preset(
        "webhook",
        "signature",
        Kind::Word(SIGNATURE),
        "required",
        "`unchecked` takes webhooks without one: anybody who finds the address can then send them",
    ),
    key("webhook", "allow_from", Kind::List, "Addresses and networks that may send webhooks; absent: any"),
    preset(
        "webhook",
        "trusted_hops",
        Kind::Number,
        "0",
        "Proxies before the receiver, whose `X-Forwarded-For` is believed",
    ),
    key("queue", "url", Kind::Text, "SQS queue of load messages; absent: the local durable queue"),
    key("queue", "dead_letter_url", Kind::Text, "SQS queue of messages that cannot be loaded"),
    key(
        "queue",
        "others_url",
        Kind::Text,
        "SQS queue for exports that `work` does not name: that of the loader that came before",
    ),
    preset("queue", "path", Kind::Text, "./queue.db", "File of the local queue"),
    preset("queue", "tries", Kind::Count, "5", "Tries of a message, then it is a dead letter"),
    preset("work", "tables", Kind::ListOrAll, "signatures", "Tables that are loaded, or `all`"),
    preset("work", "kinds", Kind::Words(KINDS), "full", "Kinds of export that are loaded"),
    preset(
        "work",
        "batch_files",
        Kind::Count,
        "20",
        "Incremental exports of one table that are taken together",
    ),
    preset("work", "batch_seconds", Kind::Number, "0", "How long a batch waits for more of them"),
    key("fargate", "cluster", Kind::Text, "ECS cluster that takes loads too large for a Lambda function"),
    key("fargate", "task_definition", Kind::Text, "Task that runs `csl-stream work --once`"),
    preset("fargate", "container", Kind::Text, "csl-stream", "Container of that task"),
    key("fargate", "subnets", Kind::List, "Subnets of the task"),
    key("fargate", "security_groups", Kind::List, "Security groups of the task"),
    key("fargate", "queue_url", Kind::Text, "SQS queue that the task takes its messages from"),
    preset(
        "fargate",
        "over_bytes",
        Kind::Number,
        "1000000000",
        "Exports of more stored bytes go to Fargate; 0: every one",
    ),
    preset("load", "max_rejects", Kind::Number, "0", "Rejected records that are tolerated"),
    preset("load", "overlong", Kind::Word(OVERLONG), "truncate", "Values wider than their column"),
    preset("load", "empty_strings", Kind::Word(EMPTY_STRINGS), "keep", "What becomes of `\"\"`"),
];

/// The word of `known` that is nearest to `word`, if it is near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    crate::names::nearest(word, known).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    fn words<T: ValueEnum>() -> Vec<String> {
        T::value_variants()
            .iter()
            .filter_map(|v| v.to_possible_value())
            .map(|v| v.get_name().into())
            .collect()
    }

    #[test]
    fn words_are_those_of_the_flags() {
        assert_eq!(words::<crate::pipeline::Overlong>(), OVERLONG);
        assert_eq!(words::<crate::pipeline::EmptyStrings>(), EMPTY_STRINGS);
        assert_eq!(words::<crate::store::ExportKind>(), KINDS);
    }

    #[test]
    fn near_keys_are_found() {
        let near = |word| nearest(word, ["max_rejects", "overlong", "url"].into_iter());
        assert_eq!(near("max_reject"), Some("max_rejects"));
        assert_eq!(near("maxrejects"), Some("max_rejects"));
        assert_eq!(near("overlnog"), Some("overlong"));
        assert_eq!(near("ulr"), Some("url"));
        assert_eq!(near("colour"), None);
    }
}
