//! Words of a statement: enough of Redshift's grammar to see what PostgreSQL has to be told otherwise.

/// What a piece of a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key word or a name without quotes, in lower case.
    Word,
    /// A name between double quotes; the text is what stands between them.
    Quoted,
    /// A string, with its quotes.
    Literal,
    Number,
    Symbol,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// Symbols of two characters.
const PAIRS: [&str; 9] = ["::", "<=", ">=", "<>", "!=", "||", "!~", "~*", "=>"];

impl Token {
    pub(super) fn new(kind: Kind, text: &str) -> Self {
        Self { kind, text: text.to_owned() }
    }

    pub(super) fn word(text: &str) -> Self {
        Self::new(Kind::Word, text)
    }

    pub(super) fn symbol(text: &str) -> Self {
        Self::new(Kind::Symbol, text)
    }

    /// A string of PostgreSQL and Redshift, for this text.
    pub(super) fn literal(text: &str) -> Self {
        Self { kind: Kind::Literal, text: format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")) }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    pub(super) fn is_symbol(&self, text: &str) -> bool {
        self.kind == Kind::Symbol && self.text == text
    }

    /// The text that a string stands for. As in PostgreSQL 8, a backslash escapes.
    pub(super) fn string(&self) -> Option<String> {
        if self.kind != Kind::Literal {
            return None;
        }
        let inner = self.text.strip_prefix('\'')?.strip_suffix('\'')?;
        let mut text = String::new();
        let mut chars = inner.chars();
        while let Some(first) = chars.next() {
            match first {
                '\'' => text.extend(chars.next()),
                '\\' => text.extend(chars.next().map(|escaped| match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    other => other,
                })),
                other => text.push(other),
            }
        }
        Some(text)
    }

    /// The name that a word or a quoted name stands for: Redshift folds both to lower case.
    pub(super) fn name(&self) -> Option<String> {
        matches!(self.kind, Kind::Word | Kind::Quoted).then(|| self.text.to_ascii_lowercase())
    }
}

/// The statements of a text, without comments; empty ones are left out.
pub(super) fn statements(sql: &str) -> Result<Vec<Vec<Token>>, String> {
    let mut all = Vec::new();
    for part in tokens(sql)?.split(|token| token.is_symbol(";")) {
        if !part.is_empty() {
            all.push(part.to_vec());
        }
    }
    Ok(all)
}

fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if first.is_whitespace() => first.len_utf8(),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => {
                rest.find("*/").ok_or("ERROR: unterminated /* comment")?.saturating_add(2)
            }
            _ => {
                let (token, length) = token_at(rest, first)?;
                tokens.push(token);
                length
            }
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn token_at(rest: &str, first: char) -> Result<(Token, usize), String> {
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    Ok(match first {
        '\'' => {
            let end = end_of_literal(rest).ok_or("ERROR: unterminated quoted string")?;
            (Token::new(Kind::Literal, &rest[..end]), end)
        }
        // Every string knows backslashes, so the E before it says nothing new.
        'e' | 'E' if rest[1..].starts_with('\'') => {
            let end = end_of_literal(&rest[1..]).ok_or("ERROR: unterminated quoted string")?;
            (Token::new(Kind::Literal, &rest[1..=end]), end + 1)
        }
        '"' => {
            let end = end_of_name(rest).ok_or("ERROR: unterminated quoted identifier")?;
            (Token::new(Kind::Quoted, &rest[1..end - 1].replace("\"\"", "\"")), end)
        }
        '$' if rest.starts_with("$$") => {
            let end = rest[2..].find("$$").ok_or("ERROR: unterminated dollar-quoted string")? + 4;
            (Token::literal(&rest[2..end - 2]), end)
        }
        _ if first.is_ascii_digit() => {
            let end = run(|c| c.is_ascii_alphanumeric() || c == '.');
            (Token::new(Kind::Number, &rest[..end]), end)
        }
        _ if first.is_alphabetic() || first == '_' => {
            let end = run(|c| c.is_alphanumeric() || c == '_' || c == '$');
            (Token::word(&rest[..end].to_ascii_lowercase()), end)
        }
        _ => {
            let pair = PAIRS.into_iter().find(|pair| rest.starts_with(pair));
            let end = pair.map_or(first.len_utf8(), str::len);
            (Token::symbol(&rest[..end]), end)
        }
    })
}

fn end_of_literal(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn end_of_name(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The statement for PostgreSQL; names between quotes are folded as Redshift folds them.
pub(super) fn written(tokens: &[Token]) -> String {
    let mut sql = String::new();
    for token in tokens {
        match token.kind {
            Kind::Quoted => {
                sql.push_str(&format!("\"{}\"", token.text.to_ascii_lowercase().replace('"', "\"\"")));
            }
            _ => sql.push_str(&token.text),
        }
        sql.push(' ');
    }
    sql
}

/// Where the bracket that opens at `open` is closed.
pub(super) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}
