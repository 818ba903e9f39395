//! A schema that walks at random, a step a night: columns come, go, get other names, types and places.

use serde_json::{Map, Value, json};

/// How many walks a test takes, unless the variable says otherwise.
const WALKS: u64 = 3;
const WALKS_VARIABLE: &str = "CSL_TEST_WALKS";
/// Steps of a walk.
pub(crate) const NIGHTS: usize = 8;

pub(crate) fn walks() -> u64 {
    std::env::var(WALKS_VARIABLE).map_or(WALKS, |text| text.parse().unwrap())
}

/// Types, and a value of each as PostgreSQL writes it; the shorter ones fit into the longer ones of their kind.
const TYPES: &[(&str, &[&str])] = &[
    ("smallint", &["7", "-8"]),
    ("integer", &["70000", "-7"]),
    ("bigint", &["5000000000", "7"]),
    ("numeric(5,2)", &["1.50", "-999.99"]),
    ("numeric(9,2)", &["1234567.25", "0.01"]),
    ("boolean", &["true", "false"]),
    ("date", &["2024-02-29", "1999-12-31"]),
    ("character varying(5)", &["abc", "ééééé"]),
    ("character varying(300)", &["a longer text", "日本"]),
    ("text", &["any text", "\"x\""]),
];

/// A column by name and type.
pub(crate) type Column = (String, usize);
/// A cell as text, or NULL.
pub(crate) type Cell = Option<&'static str>;

pub(crate) struct Walk {
    random: fastrand::Rng,
    /// Beside `id`.
    pub(crate) columns: Vec<Column>,
    names: usize,
    /// What was done.
    pub(crate) told: Vec<String>,
}

impl Walk {
    pub(crate) fn new(seed: u64) -> Self {
        let mut walk =
            Self { random: fastrand::Rng::with_seed(seed), columns: Vec::new(), names: 0, told: Vec::new() };
        (0..3).for_each(|_| walk.add());
        walk
    }

    pub(crate) fn rows(&mut self, first_id: i64) -> Vec<(i64, Vec<Cell>)> {
        (first_id..first_id + 3).map(|id| (id, self.row())).collect()
    }

    fn row(&mut self) -> Vec<Cell> {
        let random = &mut self.random;
        let cell = |(_, kind): &Column| random.choice(TYPES[*kind].1).copied().filter(|_| random.u8(..5) > 0);
        self.columns.iter().map(cell).collect()
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.random.bool()
    }

    fn add(&mut self) {
        self.names += 1;
        let column = (format!("c{}", self.names), self.random.usize(..TYPES.len()));
        let at = self.random.usize(..=self.columns.len());
        self.told.push(format!("add {} {} at {at}", column.0, TYPES[column.1].0));
        self.columns.insert(at, column);
    }

    /// One to three things at once.
    pub(crate) fn step(&mut self) {
        for _ in 0..self.random.usize(1..=3) {
            let at = self.random.usize(..self.columns.len().max(1));
            match self.random.u8(..5) {
                0 => self.add(),
                1 if self.columns.len() > 1 => {
                    let (name, _) = self.columns.remove(at);
                    self.told.push(format!("drop {name}"));
                }
                2 => {
                    self.names += 1;
                    let new = format!("c{}", self.names);
                    self.told.push(format!("rename {} to {new}", self.columns[at].0));
                    self.columns[at].0 = new;
                }
                3 => {
                    self.columns[at].1 = self.random.usize(..TYPES.len());
                    let (name, kind) = &self.columns[at];
                    self.told.push(format!("retype {name} to {}", TYPES[*kind].0));
                }
                _ => {
                    self.random.shuffle(&mut self.columns);
                    self.told.push("reorder".to_owned());
                }
            }
        }
    }

    /// The bulk schema of the table `t`.
    pub(crate) fn schema(&self) -> String {
        json!({"tables": [self.described("t")]}).to_string()
    }

    /// The table under this name, as the bulk schema lists it.
    pub(crate) fn described(&self, name: &str) -> Value {
        let columns: Map<String, Value> = self
            .typed()
            .into_iter()
            .map(|(name, sql_type)| (name, json!({"type": "x", "sql_type": sql_type})))
            .collect();
        json!({"table": {"name": name, "columns": columns}})
    }

    /// All columns with their types.
    pub(crate) fn typed(&self) -> Vec<(String, String)> {
        let id = ("id".to_owned(), "bigint".to_owned());
        let columns = self.columns.iter().map(|(name, kind)| (name.clone(), TYPES[*kind].0.to_owned()));
        std::iter::once(id).chain(columns).collect()
    }

    pub(crate) fn csv(&self, rows: &[(i64, Vec<Cell>)]) -> String {
        let mut csv = "id".to_owned();
        self.columns.iter().for_each(|(name, _)| csv += &format!(",{name}"));
        csv.push('\n');
        for (id, cells) in rows {
            csv += &id.to_string();
            for cell in cells {
                let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
                csv += &format!(",{}", cell.map(quoted).unwrap_or_default());
            }
            csv.push('\n');
        }
        csv
    }
}
