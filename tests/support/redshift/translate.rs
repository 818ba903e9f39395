//! A statement of Redshift as one of PostgreSQL, or why Redshift would refuse it.

use super::copy_sql::{self, CopyCommand};
use super::ddl;
use super::sql::{self, Kind, Token};

/// What has to be done for a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// Reads only.
    Read(String),
    /// A statement, and the table that its rows go into or out of.
    Write(String, Option<String>),
    /// Statistics of a table, which its owner may renew.
    Analyze(String, Option<String>),
    Copy(CopyCommand),
    /// Commits the transaction that it stands in.
    Truncate(String),
    /// Gives a column another type, outside of transactions only (dg/r_ALTER_TABLE: "You can't alter columns within
    /// a transaction block").
    Resize(String),
    /// Runs outside of transactions only, for a table's owner.
    Vacuum(String, Option<String>),
}

/// Sequences of words that PostgreSQL 15 knows and Redshift refuses.
const REFUSED: &[&[&str]] = &[
    &["returning"],
    &["on", "conflict"],
    &["on", "commit"],
    &["for", "update"],
    &["for", "share"],
    &["lateral"],
    &["savepoint"],
    &["create", "index"],
    &["create", "unique", "index"],
    &["create", "trigger"],
    &["filter", "("],
    &["gen_random_uuid"],
    &["insert", "overwrite"],
    &["from", "stdin"],
    &["to", "stdout"],
    &["access", "exclusive", "mode"],
    &["skip", "locked"],
];

/// Settings of Redshift that mean nothing to PostgreSQL.
const SETTINGS: &[&str] = &[
    "query_group",
    "enable_case_sensitive_identifier",
    "wlm_query_slot_count",
    "enable_result_cache_for_session",
];

/// A named parameter of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
}

pub(super) fn translate(tokens: &[Token], parameters: &[Parameter]) -> Result<Work, String> {
    let tokens = bound(tokens, parameters);
    for refused in REFUSED {
        let same = |window: &[Token]| {
            window.iter().zip(*refused).all(|(token, word)| token.is(word) || token.is_symbol(word))
        };
        if let Some(found) = tokens.windows(refused.len()).find(|window| same(window)) {
            return Err(format!("ERROR: syntax error at or near \"{}\"", found[0].text));
        }
    }
    unmixed(&tokens)?;
    let first = tokens.first().filter(|token| token.kind == Kind::Word).map_or("", |token| &token.text);
    Ok(match first {
        "copy" => Work::Copy(copy_sql::parse(&tokens)?),
        "truncate" => Work::Truncate(sql::written(&tokens)),
        "vacuum" => {
            let (sql, table) = vacuum(&tokens);
            Work::Vacuum(sql, table)
        }
        "select" | "with" | "show" | "values" | "explain" => Work::Read(sql::written(&respelled(tokens))),
        "analyze" => {
            let tokens = analyze(tokens);
            Work::Analyze(sql::written(&tokens), table_at(&tokens, 1))
        }
        "alter" if ddl::resized_at(&tokens).is_some() => {
            Work::Resize(sql::written(&respelled(ddl::translate(tokens)?)))
        }
        "create" | "alter" => Work::Write(sql::written(&respelled(ddl::translate(tokens)?)), None),
        "set" => Work::Write(sql::written(&setting(tokens)), None),
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" => {
            return Err(format!(
                "ERROR: {} is not allowed here: a call is one transaction",
                first.to_uppercase()
            ));
        }
        "unload" | "do" | "listen" | "notify" | "checkpoint" | "reindex" | "cluster" => {
            return Err(format!("ERROR: syntax error at or near \"{first}\""));
        }
        _ => {
            let table = written_table(&tokens);
            Work::Write(sql::written(&respelled(tokens)), table)
        }
    })
}

/// Catalogue tables run on the leader node, and go together with others for some types of columns and few
/// functions alone (dg/c_join_PG, dg/c_sql-functions-leader-node): here not at all.
fn unmixed(tokens: &[Token]) -> Result<(), String> {
    let before_table = |token: &Token| ["from", "join", "into", "update"].iter().any(|word| token.is(word));
    let names = tokens.windows(2).filter(|pair| before_table(&pair[0])).filter_map(|pair| pair[1].name());
    let is_catalogue = |name: &String| name.starts_with("pg_") && name != "pg_catalog";
    let (catalogue, others): (Vec<_>, Vec<_>) = names.partition(is_catalogue);
    match (catalogue.is_empty(), others.is_empty()) {
        (false, false) => Err(
            "ERROR: Specified types or functions (one per INFO message) not supported on Redshift tables."
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// The table that INSERT, DELETE or UPDATE writes to.
fn written_table(tokens: &[Token]) -> Option<String> {
    let after = |word: &str| 1 + usize::from(tokens.get(1).is_some_and(|token| token.is(word)));
    match tokens.first()?.text.as_str() {
        "insert" => table_at(tokens, after("into")),
        "delete" => table_at(tokens, after("from")),
        "update" => table_at(tokens, 1),
        _ => None,
    }
}

/// The table whose name stands there, with its schema, quoted.
pub(super) fn table_at(tokens: &[Token], at: usize) -> Option<String> {
    let first = tokens.get(at)?.name()?;
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    match (tokens.get(at + 1), tokens.get(at + 2).and_then(Token::name)) {
        (Some(dot), Some(second)) if dot.is_symbol(".") => {
            Some(format!("{}.{}", quoted(&first), quoted(&second)))
        }
        _ => Some(quoted(&first)),
    }
}

/// Parameters are values: each becomes a string.
fn bound(tokens: &[Token], parameters: &[Parameter]) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let name = tokens[at].is_symbol(":").then(|| tokens.get(at + 1)).flatten();
        let parameter = name.and_then(|name| {
            parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(&name.text))
        });
        match parameter {
            Some(parameter) => {
                out.push(Token::literal(&parameter.value));
                at += 2;
            }
            None => {
                out.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    out
}

/// Functions and key words that PostgreSQL spells otherwise.
fn respelled(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let opens = tokens.get(at + 1).is_some_and(|next| next.is_symbol("("));
        let before = |back: usize| at.checked_sub(back).map(|at| &tokens[at]);
        let of_date = before(1).is_some_and(|open| open.is_symbol("("))
            && before(2).is_some_and(|name| {
                ["dateadd", "datediff", "date_add", "date_diff"].iter().any(|word| name.is(word))
            });
        out.push(match token.text.as_str() {
            _ if token.kind != Kind::Word => token.clone(),
            _ if of_date => Token::literal(&token.text),
            "nvl" if opens => Token::word("coalesce"),
            "sysdate" => Token::word("getdate()"),
            "max"
                if before(1).is_some_and(|open| open.is_symbol("("))
                    && tokens.get(at + 1).is_some_and(|next| next.is_symbol(")")) =>
            {
                Token::new(Kind::Number, "65535")
            }
            "nvarchar" => Token::word("varchar"),
            "datetime" if !opens => Token::word("timestamp"),
            _ => token.clone(),
        });
    }
    out
}

fn vacuum(tokens: &[Token]) -> (String, Option<String>) {
    let how = ["vacuum", "full", "sort", "only", "delete", "reindex", "recluster", "boost"];
    let rest = tokens.iter().skip_while(|token| how.iter().any(|word| token.is(word)));
    let table: Vec<Token> = rest.take_while(|token| !token.is("to")).cloned().collect();
    (format!("VACUUM {}", sql::written(&table)), table_at(&table, 0))
}

fn analyze(tokens: Vec<Token>) -> Vec<Token> {
    let dropped = ["predicate", "columns", "all", "compression"];
    tokens.into_iter().filter(|token| !dropped.iter().any(|word| token.is(word))).collect()
}

fn setting(mut tokens: Vec<Token>) -> Vec<Token> {
    if let Some(name) = tokens.get_mut(1)
        && SETTINGS.contains(&name.text.as_str())
    {
        name.text = format!("csl.{}", name.text);
    }
    tokens
}
