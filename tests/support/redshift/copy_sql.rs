//! The COPY command: what FORMAT AS PARQUET takes, and what it refuses.

use super::sql::{Kind, Token};

/// A COPY that may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyCommand {
    pub(super) schema: Option<String>,
    pub(super) table: String,
    pub(super) columns: Option<Vec<String>>,
    /// `s3://…`: the manifest, or a prefix of keys.
    pub(super) from: String,
    pub(super) has_manifest: bool,
    pub(super) iam_role: String,
    pub(super) fills_record: bool,
    pub(super) takes_invalid_chars: bool,
    pub(super) explicit_ids: bool,
}

impl CopyCommand {
    /// The table's name, quoted, with its schema.
    pub(super) fn target(&self) -> String {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let schema = self.schema.as_deref().map(|schema| format!("{}.", quoted(schema)));
        format!("{}{}", schema.unwrap_or_default(), quoted(&self.table))
    }
}

/// Options of COPY that its columnar formats refuse.
const REFUSED: &[&str] = &[
    "region",
    "truncatecolumns",
    "compupdate",
    "maxerror",
    "acceptanydate",
    "delimiter",
    "ignoreheader",
    "gzip",
    "bzip2",
    "zstd",
    "lzop",
    "csv",
    "json",
    "escape",
    "removequotes",
    "dateformat",
    "timeformat",
    "emptyasnull",
    "blanksasnull",
    "null",
    "trimblanks",
    "roundec",
    "noload",
    "encoding",
    "ignoreblanklines",
    "quote",
    "fixedwidth",
    "comprows",
    "encrypted",
    "readratio",
];

struct Rest<'a>(&'a [Token]);

impl<'a> Rest<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn take(&mut self, word: &str) -> bool {
        let is_there = self.0.first().is_some_and(|token| token.is(word) || token.is_symbol(word));
        if is_there {
            self.0 = &self.0[1..];
        }
        is_there
    }

    fn name(&mut self) -> Result<String, String> {
        self.next().and_then(Token::name).ok_or_else(|| self.wrong())
    }

    fn string(&mut self) -> Result<String, String> {
        self.next().and_then(Token::string).ok_or_else(|| self.wrong())
    }

    fn wrong(&self) -> String {
        format!("ERROR: syntax error at or near \"{}\"", self.0.first().map_or("COPY", |token| &token.text))
    }
}

pub(super) fn parse(tokens: &[Token]) -> Result<CopyCommand, String> {
    let mut rest = Rest(tokens);
    rest.take("copy");
    let first = rest.name()?;
    let (schema, table) = if rest.take(".") { (Some(first), rest.name()?) } else { (None, first) };
    let columns = columns(&mut rest)?;
    if !rest.take("from") {
        return Err(rest.wrong());
    }
    let from = rest.string()?;
    let mut command = CopyCommand {
        schema,
        table,
        columns,
        from,
        has_manifest: false,
        iam_role: String::new(),
        fills_record: false,
        takes_invalid_chars: false,
        explicit_ids: false,
    };
    let is_parquet = options(&mut rest, &mut command)?;
    if command.iam_role.is_empty() {
        return Err("ERROR: No authorization method: COPY needs IAM_ROLE".to_owned());
    }
    if !is_parquet {
        return Err("ERROR: the stand-in reads FORMAT AS PARQUET only".to_owned());
    }
    if !command.from.starts_with("s3://") {
        return Err(format!(
            "ERROR: CREDENTIALS argument is not supported when loading from {}",
            command.from
        ));
    }
    Ok(command)
}

fn columns(rest: &mut Rest<'_>) -> Result<Option<Vec<String>>, String> {
    if !rest.take("(") {
        return Ok(None);
    }
    let mut columns = Vec::new();
    loop {
        columns.push(rest.name()?);
        if rest.take(")") {
            return Ok(Some(columns));
        }
        if !rest.take(",") {
            return Err(rest.wrong());
        }
    }
}

fn options(rest: &mut Rest<'_>, command: &mut CopyCommand) -> Result<bool, String> {
    let mut is_parquet = false;
    while let Some(token) = rest.next() {
        match token.text.as_str() {
            _ if token.kind != Kind::Word => {
                return Err(format!("ERROR: syntax error at or near \"{}\"", token.text));
            }
            "iam_role" if rest.take("default") => command.iam_role = "default".to_owned(),
            "iam_role" => command.iam_role = rest.string()?,
            "credentials" | "access_key_id" | "secret_access_key" => {
                return Err(
                    "ERROR: keys in SQL text are readable later: the stand-in takes IAM_ROLE only".to_owned()
                );
            }
            "format" => {
                rest.take("as");
                is_parquet = rest.take("parquet");
                if !is_parquet {
                    return Err(rest.wrong());
                }
            }
            "parquet" => is_parquet = true,
            "manifest" => command.has_manifest = true,
            "fillrecord" => command.fills_record = true,
            "acceptinvchars" => {
                command.takes_invalid_chars = true;
                rest.take("as");
                if rest.0.first().is_some_and(|token| token.kind == Kind::Literal) {
                    rest.next();
                }
            }
            "statupdate" => {
                let _ = rest.take("on") || rest.take("off") || rest.take("true") || rest.take("false");
            }
            "explicit_ids" => command.explicit_ids = true,
            "serializetojson" => {}
            word if REFUSED.contains(&word) => {
                return Err(format!(
                    "ERROR: {} argument is not supported for PARQUET based COPY",
                    word.to_uppercase()
                ));
            }
            _ => return Err(format!("ERROR: syntax error at or near \"{}\"", token.text)),
        }
    }
    Ok(is_parquet)
}
