//! ControlShift's columns, sorted by what they hold: `controlshift.txt`, which people read too.

use super::Rule;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Whoever has it can act as a person, or as the platform.
    Credential,
    /// It says who a person is, where they live, or which device they use.
    Personal,
    /// Somebody wrote it: it may hold anything.
    FreeText,
    /// None of these.
    Neither,
}

impl Class {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "credential" => Self::Credential,
            "personal" => Self::Personal,
            "free_text" => Self::FreeText,
            "neither" => Self::Neither,
            _ => return None,
        })
    }

    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Personal => "personal",
            Self::FreeText => "free text",
            Self::Neither => "neither personal nor secret",
        }
    }
}

const LIST: &str = include_str!("controlshift.txt");

static CLASSES: LazyLock<BTreeMap<(&str, &str), Class>> = LazyLock::new(|| parse(LIST).unwrap_or_default());

/// The class of a column of ControlShift's; none of a column that the list does not have.
pub fn class_of(table: &str, column: &str) -> Option<Class> {
    CLASSES.get(&(table, column)).copied()
}

/// What the preset does with a column that no rule names: credentials are left out, addresses of devices become
/// networks, all else stays.
pub(super) fn rule_of(class: Class, column: &str) -> Rule {
    match class {
        Class::Credential => Rule::Drop,
        Class::Personal if column.ends_with("_ip") || column == "ip_address" => Rule::Network,
        Class::Personal if column == "user_agent" || column == "request_referer" => Rule::Null,
        _ => Rule::Keep,
    }
}

/// `[table]`, then lines `class = columns …`, which may go on in the next line.
fn parse(list: &str) -> Result<BTreeMap<(&str, &str), Class>, String> {
    let (mut classes, mut table, mut class) = (BTreeMap::new(), "", None);
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            (table, class) = (name, None);
            continue;
        }
        let columns = match line.split_once('=') {
            Some((word, columns)) => {
                class = Some(Class::parse(word.trim()).ok_or_else(|| format!("{table}: no class {word:?}"))?);
                columns
            }
            None => line,
        };
        let class = class.ok_or_else(|| format!("{table}: columns without a class"))?;
        for column in columns.split_whitespace() {
            if classes.insert((table, column), class).is_some() {
                return Err(format!("{table}.{column} is there twice"));
            }
        }
    }
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_read() {
        let classes = parse(LIST).unwrap();
        let count = |class| classes.values().filter(|&&found| found == class).count();
        assert_eq!(count(Class::Credential), 14);
        assert!(classes.len() > 1_000, "{}", classes.len());
        for (wrong, told) in
            [("[t]\na b", "without a class"), ("[t]\nx = a", "no class"), ("[t]\nneither = a a", "twice")]
        {
            assert!(parse(wrong).unwrap_err().contains(told), "{wrong}");
        }
    }
}
