//! What may be configured: one struct for a section, one field for a key.
//!
//! The doc comment of a field is its documentation: the table of keys, `csl-stream config schema` and the
//! errors are made from these structs, so a key is added here and nowhere else.

use crate::error::Result;
use crate::ledger::{RECENT_HOURS, RECENT_HOURS_MAX};
use crate::pipeline::{EmptyStrings, Overlong};
use crate::privacy::{NewColumns, Preset, Rules};
use crate::schema::{Evolve, MissingColumns, UnknownColumns};
use crate::store::ExportKind;
use crate::warehouse::{SHRINK_PERCENT_MAX, STAGED_DAYS};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// The value of `warehouse.to` that is no folder.
pub const REDSHIFT: &str = "redshift";

/// Days that rejected records stay.
const REJECTS_DAYS: u32 = 7;
/// Days that run reports stay: a year and a month, so that a night can be compared with that of last year.
const REPORT_DAYS: u32 = 400;
/// Days that dead letters stay: a quarter.
const DEAD_LETTER_DAYS: u32 = 90;

/// A section: its values when nobody sets them, and nothing that is not named here.
macro_rules! sections {
    ($($(#[$about:meta])* $name:ident { $($(#[$key:meta])* $field:ident: $type:ty = $default:expr,)* })*) => { $(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$key])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    )* };
}

sections! {
    /// Where exports lie.
    Exports {
        /// Folder or `s3://bucket/slug` that holds `full/` and `incremental/`
        #[schemars(extend("format" = "path-or-url"))]
        root: Option<String> = None,
        /// Buckets that a webhook may name
        buckets: Vec<String> = owned(&[
            "agra-data-exports-production",
            "agra-data-exports-production-eu-central-1",
            "agra-data-exports-staging",
        ]),
        /// Organisation whose exports a webhook may name; absent: any
        slug: Option<String> = None,
    }

    /// What the exports' columns are.
    SchemaSource {
        /// The bulk schema: a file or the URL of `schema.json`
        #[schemars(extend("format" = "path-or-url"))]
        source: Option<String> = None,
    }

    /// Where tables go.
    Warehouse {
        /// Folder of the local warehouse, or `redshift`
        to: Destination = Destination("./warehouse".to_owned()),
        /// Versions of a table that are kept, with the current one
        keep_versions: NonZeroU32 = from_one(2),
        /// Days that run reports stay, in Redshift those of failed runs; 0: for ever. Of one table in a folder 10,000 are kept at
        /// most
        report_days: u32 = REPORT_DAYS,
    }

    /// How Redshift is reached.
    Redshift {
        /// Provisioned cluster; this or `workgroup`
        cluster: Option<String> = None,
        /// Serverless workgroup; this or `cluster`
        workgroup: Option<String> = None,
        /// Database that holds the mirror
        database: Option<String> = None,
        /// Schema of the mirror's tables
        schema: String = "public".to_owned(),
        /// Secret with the user's password; this, `db_user`, or neither
        secret_arn: Option<String> = None,
        /// Database user for temporary credentials
        db_user: Option<String> = None,
        /// Role that COPY reads the staging bucket with
        iam_role: String = "default".to_owned(),
    }

    /// Where Parquet waits for its COPY.
    Staging {
        /// Where Parquet is staged beside Redshift
        url: Option<String> = None,
        /// Days that staged files stay, for `loads retry`; 2 at least: no load takes as long
        days: u32 = STAGED_DAYS,
        /// Server-side encryption of what is staged; absent: as the bucket has it
        sse: Option<ServerSideEncryption> = None,
        /// Key of KMS for it; absent: AWS's own
        kms_key: Option<String> = None,
    }

    /// Copies of the manifests, as the old pipeline kept them.
    Manifest {
        /// Bucket for load manifests
        url: Option<String> = None,
        /// Prefix of manifests that were loaded
        prefix: String = "manifests".to_owned(),
        /// Prefix of manifests that failed
        failed_prefix: String = "failed".to_owned(),
    }

    /// Who hears of loads.
    Notify {
        /// SNS topic that hears of loads
        success_topic_arn: Option<String> = None,
        /// SNS topic that hears of failures
        failure_topic_arn: Option<String> = None,
    }

    /// Tables of the old loader that are kept up to date.
    DynamoDb {
        /// Table that loads are written into as batches; `LambdaRedshiftBatches` of the old loader
        batches_table: Option<String> = None,
        /// Table of exports that were read; `LambdaRedshiftProcessedFiles` of the old loader
        processed_files_table: Option<String> = None,
    }

    /// The old Glue job, and the Data Catalog.
    Glue {
        /// Old Glue job that loads the same table: while it runs, a load waits
        job_name: Option<String> = None,
        /// How long a load waits for that job; then it ends with exit code 7
        wait_minutes: u64 = 30,
        /// Database of the Data Catalog that staged Parquet is registered in
        database: Option<String> = None,
    }

    /// The receiver of webhooks.
    Webhook {
        /// Address of the webhook receiver
        listen: Address = Address("127.0.0.1:8080".to_owned()),
        /// Signing secrets; any of them is accepted
        #[schemars(extend("writeOnly" = true))]
        secrets: Vec<String> = Vec::new(),
        /// Secret that holds the signing secrets
        secret_arn: Option<String> = None,
        /// File that holds the signing secrets, one a line
        #[schemars(extend("format" = "path"))]
        secret_file: Option<String> = None,
        /// `unchecked` takes webhooks without one: anybody who finds the address can then send them
        signature: Signature = Signature::Required,
        /// Addresses and networks that may send webhooks; absent: any
        allow_from: Vec<String> = Vec::new(),
        /// Proxies before the receiver, whose `X-Forwarded-For` is believed
        trusted_hops: u64 = 0,
    }

    /// Messages between the receiver and the worker.
    Queue {
        /// SQS queue of load messages; absent: the local durable queue
        url: Option<String> = None,
        /// SQS queue of messages that cannot be loaded
        dead_letter_url: Option<String> = None,
        /// SQS queue for exports that `work` does not name: that of the loader that came before
        others_url: Option<String> = None,
        /// File of the local queue
        #[schemars(extend("format" = "path"))]
        path: String = "./queue.db".to_owned(),
        /// Tries of a message once its export is gone; loads that may kill their worker
        tries: NonZeroU32 = from_one(5),
        /// Days that dead letters of the local queue stay; 0: for ever
        dead_letter_days: u32 = DEAD_LETTER_DAYS,
    }

    /// Other machines that convert (feature cluster).
    Cluster {
        /// The scheduler, as `HOST:PORT`; absent: this machine converts alone
        scheduler: Option<String> = None,
        /// Folder that holds `ca.crt`, `node.crt` and `node.key`: the machines know each other by these
        tls: Option<String> = None,
        /// Speak to other machines without TLS: whoever reaches one can run anything there
        insecure: bool = false,
        /// Silence after which an executor is given up, more than 5; after as many seconds more a job that has none left
        executor_timeout_seconds: u64 = 20,
        /// How long a scheduler that does not answer is waited for, and by the scheduler a first executor
        wait_seconds: u64 = 60,
    }

    /// What the worker loads.
    Work {
        /// Tables that are loaded, or `all`
        tables: Tables = Tables::Named(owned(&["signatures"])),
        /// Kinds of export that are loaded
        kinds: Vec<ExportKind> = vec![ExportKind::Full],
        /// Incremental exports of one table that are taken together
        batch_files: NonZeroU32 = from_one(20),
        /// How long a batch waits for more of them
        batch_seconds: u64 = 0,
    }

    /// Tasks for loads that are too large for a Lambda function.
    Fargate {
        /// ECS cluster that takes loads too large for a Lambda function
        cluster: Option<String> = None,
        /// Task that runs `csl-stream work --once`
        task_definition: Option<String> = None,
        /// Container of that task
        container: String = "csl-stream".to_owned(),
        /// Subnets of the task
        subnets: Vec<String> = Vec::new(),
        /// Security groups of the task
        security_groups: Vec<String> = Vec::new(),
        /// SQS queue that the task takes its messages from
        queue_url: Option<String> = None,
        /// Exports of more stored bytes go to Fargate; 0: every one
        over_bytes: u64 = 1_000_000_000,
    }

    /// Who is told when somebody should look: once for a cause, and once when it is over.
    Alerts {
        /// Incoming webhook of a Slack channel
        #[schemars(extend("writeOnly" = true))]
        slack_url: Option<String> = None,
        /// Webhook of a workflow of Microsoft Teams
        #[schemars(extend("writeOnly" = true))]
        teams_url: Option<String> = None,
        /// Any other program's webhook, which gets JSON; needs `webhook_secret`
        #[schemars(extend("writeOnly" = true))]
        webhook_url: Option<String> = None,
        /// What signs the messages to `webhook_url`
        #[schemars(extend("writeOnly" = true))]
        webhook_secret: Option<String> = None,
        /// What they are told of
        on: Vec<AlertSubject> = vec![
            AlertSubject::Failure,
            AlertSubject::DeadLetter,
            AlertSubject::SchemaChange,
            AlertSubject::Drift,
        ],
    }

    /// What is counted and timed.
    Metrics {
        /// Address of the worker's `/metrics`; absent: none. `serve` has its own
        listen: Option<Address> = None,
        /// One line of CloudWatch's embedded metric format on stderr for each load
        emf: bool = false,
    }

    /// Pages for people.
    Status {
        /// Address of the status pages of `serve`; absent: none. `status` listens on 127.0.0.1:8081 then
        listen: Option<Address> = None,
        /// File that holds the token of the status pages, 16 characters at least; must be set where the address is not loopback
        #[schemars(extend("format" = "path"))]
        token_file: Option<String> = None,
    }

    /// How records are converted and loaded.
    Load {
        /// Rejected records that are tolerated
        max_rejects: u64 = 0,
        /// Folder or `s3://bucket/prefix` of rejected records; absent: `<staging.url>/rejects` beside Redshift, else the current folder
        #[schemars(extend("format" = "path-or-url"))]
        rejects: Option<String> = None,
        /// Days that rejected records stay there; 0: for ever
        rejects_days: u32 = REJECTS_DAYS,
        /// How many percent of the last full load's rows a full export may lose
        #[schemars(range(max = 100))]
        shrink_max_percent: u8 = SHRINK_PERCENT_MAX,
        /// Hours that lie at most between the snapshot of a full export and the time in its name: what incremental exports bring of them is kept beside it
        #[schemars(range(max = RECENT_HOURS_MAX))]
        recent_hours: u32 = RECENT_HOURS,
        /// Values wider than their column
        overlong: Overlong = Overlong::default(),
        /// What becomes of `""`
        empty_strings: EmptyStrings = EmptyStrings::default(),
        /// Columns that the schema has and the table lacks: added, and texts widened; or refused
        evolve: Evolve = Evolve::default(),
        /// Columns of the export that the schema lacks
        unknown_columns: UnknownColumns = UnknownColumns::default(),
        /// Columns of the schema that the export lacks: refused, or filled with NULL
        missing_columns: MissingColumns = MissingColumns::default(),
        /// Whether a table that Redshift lacks is made from the schema
        create_table: bool = false,
        /// Put the values of rejected fields into reports; those of a column with a rule of privacy never are
        report_values: bool = false,
    }

    /// What becomes of people's values before anything is written.
    Privacy {
        /// Rules for columns, the first that matches wins: `table.column`, in which `*` stands for any characters, and `keep`, `drop`, `null`, `hash`, `hash_exact`, `domain`, `prefix:N` or `network`
        #[schemars(with = "BTreeMap<String, String>")]
        columns: IndexMap<String, String> = IndexMap::new(),
        /// Rules for what they do not match: none, or those that come with the program for ControlShift's columns
        preset: Preset = Preset::None,
        /// What becomes of a column that none of both decides: kept, or dropped
        new_columns: NewColumns = NewColumns::Keep,
        /// File that holds the key of hashes
        #[schemars(extend("format" = "path"))]
        secret_file: Option<String> = None,
        /// Secret that holds the key of hashes
        secret_arn: Option<String> = None,
    }
}

/// All settings, by section.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sections {
    /// Where exports lie.
    pub exports: Exports,
    /// What the exports' columns are.
    pub schema: SchemaSource,
    /// Where tables go.
    pub warehouse: Warehouse,
    /// How Redshift is reached.
    pub redshift: Redshift,
    /// Where Parquet waits for its COPY.
    pub staging: Staging,
    /// Copies of the manifests, as the old pipeline kept them.
    pub manifest: Manifest,
    /// Who hears of loads.
    pub notify: Notify,
    /// Tables of the old loader that are kept up to date.
    pub dynamodb: DynamoDb,
    /// The old Glue job, and the Data Catalog.
    pub glue: Glue,
    /// The receiver of webhooks.
    pub webhook: Webhook,
    /// Messages between the receiver and the worker.
    pub queue: Queue,
    /// What the worker loads.
    pub work: Work,
    /// Tasks for loads that are too large for a Lambda function.
    pub fargate: Fargate,
    /// Who is told when somebody should look.
    pub alerts: Alerts,
    /// What is counted and timed.
    pub metrics: Metrics,
    /// Pages for people.
    pub status: Status,
    /// Other machines that convert.
    pub cluster: Cluster,
    /// How records are converted and loaded.
    pub load: Load,
    /// What becomes of people's values before anything is written.
    pub privacy: Privacy,
}

impl Privacy {
    /// The rules, without the key.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] for a glob or a rule that is none.
    pub fn rules(&self) -> Result<Rules> {
        let rules = self.columns.iter().map(|(glob, rule)| (glob.as_str(), rule.as_str()));
        Rules::new(rules, self.preset, self.new_columns)
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

const fn from_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("defaults of counts are not 0, as the compiler sees")
}

/// Whether webhooks must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// A webhook without a valid signature is refused.
    Required,
    /// Every webhook is taken.
    Unchecked,
}

/// What somebody may want to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertSubject {
    /// A load that failed.
    Failure,
    /// A message that became a dead letter.
    DeadLetter,
    /// A table that was changed to fit the schema.
    SchemaChange,
    /// An export that looks otherwise than the one before.
    Drift,
}

/// How S3 encrypts what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServerSideEncryption {
    /// Keys of S3.
    #[serde(rename = "AES256")]
    Aes256,
    /// Keys of KMS.
    #[serde(rename = "aws:kms")]
    Kms,
    /// Keys of KMS, twice.
    #[serde(rename = "aws:kms:dsse")]
    KmsTwice,
}

impl ServerSideEncryption {
    /// As S3's header spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
            Self::KmsTwice => "aws:kms:dsse",
        }
    }
}

/// Tables that are loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tables {
    /// Every table of the schema.
    All(All),
    /// These.
    Named(Vec<String>),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum All {
    /// In lower case, as the other words.
    #[serde(rename = "all")]
    All,
}

impl Tables {
    /// The names, or none for all of them.
    pub fn named(&self) -> Option<&[String]> {
        match self {
            Self::All(All::All) => None,
            Self::Named(names) => Some(names),
        }
    }
}

impl JsonSchema for Tables {
    fn schema_name() -> Cow<'static, str> {
        "Tables".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "all" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// A folder, or Redshift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Destination(#[schemars(extend("format" = "path-or-url"))] pub String);

impl Destination {
    /// Whether tables go into Redshift, and not into a folder.
    pub fn is_redshift(&self) -> bool {
        self.0 == REDSHIFT
    }
}

/// `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Address(#[schemars(extend("format" = "host-port"))] pub String);

impl Address {
    /// Whether the text has a host and a port.
    pub fn is_one(text: &str) -> bool {
        text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    }
}
