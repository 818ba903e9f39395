//! The page of a load as Markdown, for tickets and chats.

use super::load::{Export, LoadPage};
use crate::ops::PAGE_MARK;
use crate::report::words::{count, size};

/// Loads, one after the other. Whatever came from outside is code or escaped: it cannot become a heading, a link or
/// HTML.
pub fn markdown(pages: &[LoadPage]) -> String {
    let pages: Vec<String> = pages.iter().map(one).collect();
    format!("{PAGE_MARK}\n\n{}", pages.join("\n"))
}

fn one(page: &LoadPage) -> String {
    let mut lines =
        vec![format!("# {}, {}: {}", plain(&page.table), page.kind, page.state.word), String::new()];
    lines.extend(page.why.iter().map(|why| format!("> {}\n", plain(why))));
    lines.extend(page.command.iter().map(|command| format!("Next: {}\n", code(command))));
    lines.extend(head(page));
    lines.extend(["", "## Rows", ""].map(str::to_owned));
    let agree = if page.rows.add_up { ": the counts agree" } else { "" };
    lines.push(format!("- {}{agree}", page.rows.read_identity()));
    lines.push(format!("- {}", page.rows.loaded_identity()));
    lines.push(format!("- in its files: {}", count(page.rows.staged)));
    lines.push(format!("- kept from before: {}", count(page.rows.carried_over)));
    lines.push(format!("- values cut: {}", count(page.rows.truncated_values)));
    let path = page.path.iter().map(|step| format!("- {}: {}", step.name, step.took()));
    part(&mut lines, "Where the time went", path.collect());
    part(&mut lines, "Warnings", page.warnings.iter().map(|text| format!("- {}", plain(text))).collect());
    part(&mut lines, "Rejects: faults, by column and rule", rejects(page));
    part(
        &mut lines,
        "Schema changes",
        page.schema_changes.iter().map(|text| format!("- {}", plain(text))).collect(),
    );
    let files = page.files.iter().map(|file| format!("- {} ({})", code(&file.uri), file.what()));
    part(&mut lines, "Files", files.collect());
    part(&mut lines, "Columns", columns(page));
    lines.join("\n") + "\n"
}

fn head(page: &LoadPage) -> Vec<String> {
    let started = page.started.as_deref().unwrap_or("not known");
    let Export { uri, bytes, compression } = &page.source;
    vec![
        format!("- load: {}", code(&page.load_id)),
        format!("- export: {}, {}, compression: {}", code(uri), size(*bytes), plain(compression)),
        format!("- began: {started}"),
        format!("- took: {}", page.took()),
        format!("- its rows are: {}", page.standing),
    ]
}

fn rejects(page: &LoadPage) -> Vec<String> {
    if page.rejects.is_empty() {
        return Vec::new();
    }
    let head = ["| column | rule | faults | first record |", "|---|---|---|---|"];
    let row = |one: &super::load::Rejects| {
        let column = one.column.as_deref().map_or("-".to_owned(), cell);
        let (faults, record) = (count(one.faults), count(one.first_record));
        format!("| {column} | {} | {faults} | {record} |", cell(&one.rule))
    };
    head.into_iter().map(str::to_owned).chain(page.rejects.iter().map(row)).collect()
}

fn columns(page: &LoadPage) -> Vec<String> {
    if page.columns.is_empty() {
        return Vec::new();
    }
    let head = ["| column | NULL | empty | bytes of text | cut | privacy |", "|---|---|---|---|---|---|"];
    let row = |column: &super::load::Column| {
        let (nulls, empties, cut) = (count(column.nulls), count(column.empties), count(column.truncated));
        let (name, bytes, privacy) = (cell(&column.name), size(column.bytes), cell(&column.privacy));
        format!("| {name} | {nulls} | {empties} | {bytes} | {cut} | {privacy} |")
    };
    head.into_iter().map(str::to_owned).chain(page.columns.iter().map(row)).collect()
}

fn part(lines: &mut Vec<String>, title: &str, part: Vec<String>) {
    if !part.is_empty() {
        lines.extend([String::new(), format!("## {title}"), String::new()]);
        lines.extend(part);
    }
}

/// What readers make a link or a call of a person by themselves, which no escape keeps them from:
/// <https://github.github.com/gfm/#autolinks-extension->.
const LINKED_BY_ITSELF: [&str; 3] = ["://", "www.", "@"];

/// A text in which nothing means anything: <https://spec.commonmark.org/0.31.2/#backslash-escapes>.
fn plain(text: &str) -> String {
    if LINKED_BY_ITSELF.iter().any(|mark| text.to_ascii_lowercase().contains(mark)) {
        return code(text);
    }
    let letters: Vec<char> = text.trim_start().chars().collect();
    let is_word = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|c| c.is_alphanumeric());
    // A list, a line or a heading begins with it: `- `, `1. `, `===`.
    let digits = letters.iter().take_while(|letter| letter.is_ascii_digit()).count();
    let mut safe = String::with_capacity(text.len());
    for (at, letter) in letters.iter().copied().enumerate() {
        match letter {
            letter if letter.is_control() => safe.push(' '),
            // Not in the list of escapes that every reader knows.
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '#' | '|' | '!' | '~' => safe.extend(['\\', letter]),
            '-' | '+' | '=' if at == 0 => safe.extend(['\\', letter]),
            '.' | ')' if at == digits && at > 0 => safe.extend(['\\', letter]),
            // Inside a word it means nothing.
            '_' if !is_word(at.checked_sub(1)) || !is_word(Some(at + 1)) => safe.push_str("\\_"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// The same in a cell, where a line between two cells is one in code too:
/// <https://github.github.com/gfm/#example-200>.
fn cell(text: &str) -> String {
    let safe = plain(text);
    if safe.starts_with('`') { safe.replace('|', "\\|") } else { safe }
}

/// A text as code; longer fences than any run of backticks in it: <https://spec.commonmark.org/0.31.2/#code-spans>.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        for (text, safe) in [
            ("a_b.csv", "a_b.csv"),
            ("<script>", "&lt;script&gt;"),
            ("[x](javascript:y)", r"\[x\](javascript:y)"),
            ("a\n# b|c", r"a \# b\|c"),
            // Nothing at its beginning, and nothing that a reader links by itself.
            ("- a", r"\- a"),
            ("  1. a", r"1\. a"),
            ("12) a", r"12\) a"),
            ("=== a", r"\=== a"),
            ("1.5 a", r"1\.5 a"),
            ("_a_ b_c", r"\_a\_ b_c"),
            ("see https://evil.example/x", "`see https://evil.example/x`"),
            ("WWW.evil.example", "`WWW.evil.example`"),
            ("ask @somebody `now`", "`` ask @somebody `now` ``"),
        ] {
            assert_eq!(plain(text), safe);
        }
        assert_eq!(cell("a|b"), r"a\|b");
        assert_eq!(cell("@a|b"), r"`@a\|b`");
        assert_eq!((code("a"), code("`a``b")), ("`a`".to_owned(), "``` `a``b ```".to_owned()));
    }
}
