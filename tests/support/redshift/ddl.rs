//! CREATE and ALTER TABLE: words of Redshift are dropped, its defaults filled in, foreign types refused.

use super::sql::{self, Kind, Token};

/// Types of PostgreSQL that no table of Redshift can have.
const FOREIGN: &[&str] = &[
    "json",
    "jsonb",
    "uuid",
    "bytea",
    "inet",
    "cidr",
    "xml",
    "money",
    "serial",
    "bigserial",
    "citext",
    "hstore",
    "interval",
    "point",
    "tsvector",
];
const VARCHAR_BYTES_MAX: u32 = 65_535;
const CHAR_BYTES_MAX: u32 = 4096;
const DECIMAL_PRECISION_MAX: u32 = 38;

pub(super) fn translate(tokens: Vec<Token>) -> Result<Vec<Token>, String> {
    let is_table = tokens.iter().take(5).any(|token| token.is("table"));
    if !is_table {
        return Ok(tokens);
    }
    if tokens[0].is("alter") {
        return alter(tokens);
    }
    // The query of CREATE TABLE … AS stays as it is.
    let query = query_of(&tokens);
    let (head, query) = tokens.split_at(query.unwrap_or(tokens.len()));
    let mut out = without_attributes(head);
    if query.is_empty()
        && let Some(open) = out.iter().position(|token| token.is_symbol("("))
        && let Some(close) = sql::closing(&out, open)
    {
        let columns = each_column(&out[open + 1..close])?;
        out.splice(open + 1..close, columns);
    }
    out.extend_from_slice(query);
    Ok(out)
}

fn query_of(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|token| {
        depth += usize::from(token.is_symbol("("));
        depth -= usize::from(token.is_symbol(")"));
        depth == 0 && token.is("as")
    })
}

fn alter(tokens: Vec<Token>) -> Result<Vec<Token>, String> {
    if tokens.iter().any(|token| token.is("append")) {
        return Err("ERROR: ALTER TABLE APPEND cannot run inside a transaction block".to_owned());
    }
    // One column a statement, whether it is added or altered (dg/r_ALTER_TABLE, "ADD [ COLUMN ]" and "ALTER COLUMN").
    let mut depth = 0_usize;
    let several = tokens.iter().any(|token| {
        depth += usize::from(token.is_symbol("("));
        depth -= usize::from(token.is_symbol(")"));
        depth == 0 && token.is_symbol(",")
    });
    if several {
        return Err("ERROR: syntax error at or near \",\"".to_owned());
    }
    if let Some(at) = resized_at(&tokens) {
        // The size of a VARCHAR is all that can be altered of a type (dg/r_ALTER_TABLE, "ALTER COLUMN TYPE").
        let is_varchar = ["varchar", "nvarchar"].iter().any(|word| tokens[at].is(word))
            || (tokens[at].is("character") && tokens.get(at + 1).is_some_and(|next| next.is("varying")));
        if !is_varchar {
            return Err(format!("ERROR: target data type \"{}\" is not supported", tokens[at].text));
        }
        let size = tokens[at..].iter().find_map(|token| token.text.parse::<u32>().ok());
        return match size {
            Some(size) if size > VARCHAR_BYTES_MAX => {
                Err(format!("ERROR: length for type varchar cannot exceed {VARCHAR_BYTES_MAX}"))
            }
            _ => Ok(tokens),
        };
    }
    let Some(add) = tokens.iter().position(|token| token.is("add")) else { return Ok(tokens) };
    let start = add + 1 + usize::from(tokens.get(add + 1).is_some_and(|token| token.is("column")));
    let mut out = tokens[..start].to_vec();
    out.extend(column(&without_attributes(&tokens[start..]))?);
    Ok(out)
}

/// Where the new type of a column stands, in ALTER TABLE … ALTER COLUMN … TYPE.
pub(super) fn resized_at(tokens: &[Token]) -> Option<usize> {
    let alters = tokens.first()?.is("alter") && tokens.iter().skip(1).any(|token| token.is("alter"));
    let at = tokens.iter().position(|token| token.is("type")).filter(|_| alters)? + 1;
    (at < tokens.len()).then_some(at)
}

/// Drops what says how a table is kept, and constraints that Redshift only takes note of.
fn without_attributes(tokens: &[Token]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let dropped = dropped_at(tokens, at);
        if dropped == 0 {
            out.push(tokens[at].clone());
        }
        at += dropped.max(1);
    }
    // A constraint of the table was an item of the list.
    let mut listed: Vec<Token> = Vec::with_capacity(out.len());
    for token in out {
        let ends = token.is_symbol(")") || token.is_symbol(",");
        if ends && listed.last().is_some_and(|last| last.is_symbol(",")) {
            listed.pop();
        }
        listed.push(token);
    }
    listed
}

/// Tokens from `at` that Redshift's dialect adds.
fn dropped_at(tokens: &[Token], at: usize) -> usize {
    let token = &tokens[at];
    // The first word of an item is its column's name, whatever it says.
    let is_name = at.checked_sub(1).is_some_and(|before| {
        (tokens[before].is_symbol("(") || tokens[before].is_symbol(","))
            && tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Word)
    });
    let list_after = |words: usize| match tokens.get(at + words) {
        Some(open) if open.is_symbol("(") => {
            sql::closing(tokens, at + words).map_or(words, |close| close + 1 - at)
        }
        _ => words,
    };
    let next_is = |word: &str| tokens.get(at + 1).is_some_and(|next| next.is(word));
    if token.kind != Kind::Word {
        return 0;
    }
    match token.text.as_str() {
        "primary" if next_is("key") => list_after(2),
        "foreign" if next_is("key") => list_after(2),
        "references" => list_after(2),
        "unique" => list_after(1),
        _ if is_name => 0,
        "encode" | "diststyle" | "backup" => 2,
        "distkey" => list_after(1),
        "sortkey" if next_is("auto") => 2,
        "sortkey" => list_after(1),
        "compound" | "interleaved" => 1,
        _ => 0,
    }
}

fn each_column(tokens: &[Token]) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut depth = 0_usize;
    let items = tokens.split(|token| {
        depth += usize::from(token.is_symbol("("));
        depth -= usize::from(token.is_symbol(")"));
        depth == 0 && token.is_symbol(",")
    });
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(Token::symbol(","));
        }
        out.extend(column(item)?);
    }
    Ok(out)
}

/// A column: name, type, what is left of its attributes.
fn column(item: &[Token]) -> Result<Vec<Token>, String> {
    let [name, kind, rest @ ..] = item else { return Ok(item.to_vec()) };
    if name.is("like") || name.is("constraint") || kind.kind != Kind::Word {
        return Ok(item.to_vec());
    }
    let refused = |why: &str| Err(format!("ERROR: Column \"{}\" {why}", name.text));
    if FOREIGN.contains(&kind.text.as_str()) || rest.iter().any(|token| token.is_symbol("[")) {
        return refused(&format!("has unsupported type \"{}\".", kind.text));
    }
    let varying = rest.first().is_some_and(|next| next.is("varying"));
    let words = usize::from(varying);
    let size = sized(&rest[words..]);
    if kind.is("timestamp") && size.is_some() {
        return refused("has a timestamp with a precision, which Redshift lacks.");
    }
    let mut out = vec![name.clone()];
    let (spelled, size_max, default) = match kind.text.as_str() {
        "character" | "char" if varying => ("varchar", VARCHAR_BYTES_MAX, "256"),
        "varchar" | "nvarchar" => ("varchar", VARCHAR_BYTES_MAX, "256"),
        "text" => ("varchar", VARCHAR_BYTES_MAX, "256"),
        "bpchar" => ("char", CHAR_BYTES_MAX, "256"),
        "character" | "char" | "nchar" => ("char", CHAR_BYTES_MAX, "1"),
        "numeric" | "decimal" => ("numeric", DECIMAL_PRECISION_MAX, "18,0"),
        _ => {
            out.push(kind.clone());
            out.extend(identity(rest));
            return Ok(out);
        }
    };
    out.push(Token::word(spelled));
    match size {
        None => out.push(Token::word(&format!("({default})"))),
        Some(text) if text.parse().is_ok_and(|size: u32| size > size_max) => {
            return Err(format!("ERROR: length for type {spelled} cannot exceed {size_max}"));
        }
        Some(_) => {}
    }
    out.extend(identity(&rest[words..]));
    Ok(out)
}

fn sized(rest: &[Token]) -> Option<&str> {
    rest.first().filter(|open| open.is_symbol("("))?;
    rest.get(1).map(|size| size.text.as_str())
}

/// IDENTITY takes no value but its own, GENERATED BY DEFAULT AS IDENTITY does (dg/r_CREATE_TABLE_NEW).
fn identity(rest: &[Token]) -> Vec<Token> {
    let Some(at) = rest.iter().position(|token| token.is("identity")) else { return rest.to_vec() };
    let end = sql::closing(rest, at + 1).map_or(at + 1, |close| close + 1);
    let mut out = rest[..at].to_vec();
    let is_default = out.last().is_some_and(|before| before.is("as"));
    out.push(Token::word(if is_default { "identity" } else { "generated always as identity" }));
    out.extend_from_slice(&rest[end..]);
    out
}
