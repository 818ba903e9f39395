//! Every key that `csl-stream.toml` may hold, read off the structs' JSON Schema.
//!
//! ```text
//! sections.rs ── schemars ──▶ JSON Schema ──▶ keys: kind, default, what it is for ──▶ layers, docs, `config`
//! ```

use super::sections::{Address, Sections};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// What a key's value may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Any text that is not empty.
    Text,
    /// `true` or `false`.
    Switch,
    /// A whole number from 0.
    Number,
    /// A whole number from 0 to this.
    NumberTo(u64),
    /// A whole number from 1.
    Count,
    /// One of these words.
    Word(Vec<String>),
    /// A list of texts; in the environment separated by commas.
    List,
    /// A list of these words.
    Words(Vec<String>),
    /// A list of texts, or the word `all`.
    ListOrAll,
    /// `host:port`.
    Address,
    /// Texts under names, whose order counts; in the environment `name=text`, separated by commas.
    Pairs,
}

impl Kind {
    /// How an error names what is allowed.
    pub(super) fn wanted(&self) -> String {
        match self {
            Self::Text => "a text in quotes that is not empty".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::NumberTo(max) => format!("a whole number from 0 to {max}"),
            Self::Count => "a whole number from 1".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::List => "a list of texts".to_owned(),
            Self::Words(words) => format!("a list of {}", words.join(", ")),
            Self::ListOrAll => "a list of texts, or \"all\"".to_owned(),
            Self::Address => "an address and a port, like 127.0.0.1:8080".to_owned(),
            Self::Pairs => {
                "texts under names: a table of \"name\" = \"text\", or name=text,name=text".to_owned()
            }
        }
    }

    fn of(schema: &Map<String, Value>) -> Self {
        let items = schema.get("items").and_then(Value::as_object);
        match schema.get("type").and_then(Value::as_str) {
            _ if schema.contains_key("anyOf") => Self::ListOrAll,
            _ if !words(schema).is_empty() => Self::Word(words(schema)),
            Some("array") => match items.map(words).unwrap_or_default() {
                none if none.is_empty() => Self::List,
                words => Self::Words(words),
            },
            Some("boolean") => Self::Switch,
            Some("object") => Self::Pairs,
            Some("integer") if schema.get("minimum") == Some(&json!(1)) => Self::Count,
            Some("integer") => {
                schema.get("maximum").and_then(Value::as_u64).map_or(Self::Number, Self::NumberTo)
            }
            _ if format_of(schema) == Some("host-port") => Self::Address,
            _ => Self::Text,
        }
    }

    /// The value, if it is of this kind.
    pub(super) fn checked(&self, value: Value) -> Option<Value> {
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let among = |words: &[String], value: &Value| words.iter().any(|word| value == word);
        let all = |one: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(one));
        let fits = match self {
            Self::Text => text(&value),
            Self::Switch => value.is_boolean(),
            Self::Number => value.is_u64(),
            Self::NumberTo(max) => value.as_u64().is_some_and(|number| number <= *max),
            Self::Count => value.as_u64().is_some_and(|number| (1..=u64::from(u32::MAX)).contains(&number)),
            Self::Word(words) => among(words, &value),
            Self::List => all(&text),
            Self::Words(words) => all(&|value| among(words, value)),
            Self::ListOrAll => value == "all" || all(&text),
            Self::Address => value.as_str().is_some_and(Address::is_one),
            Self::Pairs => value
                .as_object()
                .is_some_and(|pairs| pairs.iter().all(|(name, one)| !name.is_empty() && text(one))),
        };
        fits.then_some(value)
    }

    /// A value as it stands in the environment.
    pub(super) fn parse(&self, text: &str) -> Option<Value> {
        let list = || text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let value = match self {
            Self::Switch => json!(text.parse::<bool>().ok()?),
            Self::Number | Self::NumberTo(_) | Self::Count => json!(text.parse::<u64>().ok()?),
            Self::ListOrAll if text == "all" => json!(text),
            Self::List | Self::Words(_) | Self::ListOrAll => json!(list()),
            Self::Text | Self::Word(_) | Self::Address => json!(text),
            Self::Pairs => Value::Object(pairs(&list())?),
        };
        self.checked(value)
    }
}

/// Names and texts of `name=text`; none if one is not that, or comes twice.
fn pairs(list: &[&str]) -> Option<Map<String, Value>> {
    let mut pairs = Map::new();
    for one in list {
        let (name, text) = one.split_once('=')?;
        if pairs.insert(name.trim().to_owned(), json!(text.trim())).is_some() {
            return None;
        }
    }
    Some(pairs)
}

/// One key of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// `[section]` of the file.
    pub section: String,
    /// Name in the section.
    pub name: String,
    /// What it may hold.
    pub kind: Kind,
    /// Its value when nobody sets it.
    pub default: Option<Value>,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Whether it names a file or folder: a relative one in the file counts from the file's folder.
    pub is_path: bool,
    /// What it is for, in one line.
    pub about: String,
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

    /// The default as it would stand in the environment.
    pub fn default_text(&self) -> Option<String> {
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match self.default.as_ref()? {
            Value::Array(list) => Some(list.iter().map(shown).collect::<Vec<_>>().join(",")),
            value => Some(shown(value)),
        }
    }

    fn of(section: &str, name: &str, schema: &Map<String, Value>) -> Self {
        let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_set = |value: &&Value| match value {
            Value::Array(list) => !list.is_empty(),
            Value::Object(pairs) => !pairs.is_empty(),
            _ => true,
        };
        Self {
            section: section.to_owned(),
            name: name.to_owned(),
            kind: Kind::of(schema),
            default: schema.get("default").filter(is_set).cloned(),
            secret: schema.get("writeOnly") == Some(&Value::Bool(true)),
            is_path: format_of(schema).is_some_and(|format| format.starts_with("path")),
            about: text("description").replace('\n', " "),
        }
    }
}

/// All keys, in the order in which `csl-stream config` prints them.
pub fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let schema = json_schema();
        let sections = properties(schema.as_object());
        let keys = sections.flat_map(|(section, inside)| {
            properties(inside.as_object())
                .filter_map(|(name, key)| Some(Key::of(section, name, key.as_object()?)))
        });
        keys.collect()
    })
}

/// The JSON Schema of `csl-stream.toml`.
pub fn json_schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Sections>();
    AsToml.transform(&mut schema);
    schema.insert("title".to_owned(), json!("csl-stream.toml"));
    schema
}

/// TOML has no null: a key that may be missing is left out. No text is empty.
struct AsToml;

impl Transform for AsToml {
    fn transform(&mut self, schema: &mut Schema) {
        // Words that may be missing.
        if let Some(Value::Array(either)) = schema.get("anyOf")
            && let [Value::Object(one), null] = &either[..]
            && null["type"] == "null"
        {
            let one = one.clone();
            schema.remove("anyOf");
            // What the key says of itself stays.
            for (name, value) in one.into_iter().filter(|(name, _)| name != "description") {
                schema.insert(name, value);
            }
        }
        if let Some(Value::Array(types)) = schema.get("type")
            && let Some(one) = types.iter().find(|word| *word != "null").cloned()
        {
            schema.insert("type".to_owned(), one);
        }
        if schema.get("default") == Some(&Value::Null) {
            schema.remove("default");
        }
        if schema.get("type") == Some(&json!("string")) && schema.get("enum").is_none() {
            schema.insert("minLength".to_owned(), json!(1));
        }
        // Formats of numbers are Rust's, and no validator knows them.
        if schema.get("type") == Some(&json!("integer")) {
            schema.remove("format");
        }
        transform_subschemas(self, schema);
    }
}

fn properties(schema: Option<&Map<String, Value>>) -> impl Iterator<Item = (&String, &Value)> {
    schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object).into_iter().flatten()
}

fn format_of(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("format").and_then(Value::as_str)
}

/// The words of an enumeration: with documented variants it is a `oneOf` of constants.
fn words(schema: &Map<String, Value>) -> Vec<String> {
    let plain = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let documented = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let documented = documented.filter_map(|variant| variant.get("const"));
    plain.chain(documented).filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// The word of `known` that is nearest to `word`, if it is near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    crate::names::nearest(word, known).into_iter().next()
}
