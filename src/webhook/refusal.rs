//! Why a webhook leads to no order.

/// Why a webhook can never be processed. Each is a word of a metric, so there are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `data` lacks what an export needs, or has another form.
    Data,
    /// The URL is too long, or holds characters that URLs have not.
    Url,
    /// The URL leads to a host that is not S3's.
    Host,
    /// A bucket that is not on the list.
    Bucket,
    /// A key that is no export's.
    Key,
    /// An organisation that is not the configured one.
    Slug,
    /// `s3` and `url` name different objects.
    Differ,
    /// The type, or the table, is not that of the key.
    Disagree,
    /// The table is not in the bulk schema, or has no columns there.
    Table,
}

impl Refusal {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Data,
        Self::Url,
        Self::Host,
        Self::Bucket,
        Self::Key,
        Self::Slug,
        Self::Differ,
        Self::Disagree,
        Self::Table,
    ];

    /// The word in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Url => "url",
            Self::Host => "host",
            Self::Bucket => "bucket",
            Self::Key => "key",
            Self::Slug => "slug",
            Self::Differ => "differ",
            Self::Disagree => "disagree",
            Self::Table => "table",
        }
    }

    /// What the answer and the log say: nothing of what was sent.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Data => "data holds no url and table of an export",
            Self::Url => "the url is no url",
            Self::Host => "the url does not lead to S3",
            Self::Bucket => "the bucket is not in exports.buckets",
            Self::Key => "the key is no export's",
            Self::Slug => "the organisation is not that of exports.slug",
            Self::Differ => "s3 and url name different objects",
            Self::Disagree => "type and table are not those of the key",
            Self::Table => "the table is not in the bulk schema",
        }
    }
}
