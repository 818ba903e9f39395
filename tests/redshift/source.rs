//! ControlShift's own database: every table of the newest published schema in a PostgreSQL, which writes the exports.

use crate::postgres::{self, Database};
use csl_stream::schema::{BulkSchema, Table};

/// The newest published schema.
pub(crate) const NEWEST: &str = include_str!("../../fixtures/schema/2025-08-28.json");
/// When the rows of the first night were made.
const MADE: &str = "timestamp '2026-01-05 12:34:56.789'";

/// The database, and what it is described by.
pub(crate) struct Source {
    pub(crate) schema: BulkSchema,
    database: Database<'static>,
}

impl Source {
    /// With every table of the schema, empty.
    pub(crate) fn new(name: &str, schema: &str) -> Self {
        let database = postgres::server().database(name);
        let schema = BulkSchema::parse(schema.as_bytes(), "schema").unwrap();
        let tables = schema.loadable().map(|table| {
            let columns = table.columns.iter().map(|(name, column)| {
                // PostGIS is not here: an export shows a geography in hexadecimal, as text.
                let kind = if column.sql_type.starts_with("geography") { "text" } else { &column.sql_type };
                format!("\"{name}\" {kind}")
            });
            format!("CREATE TABLE \"{}\" ({});\n", table.name, columns.collect::<Vec<_>>().join(", "))
        });
        database.run(&tables.collect::<String>());
        Self { schema, database }
    }

    pub(crate) fn database(&self) -> &Database<'static> {
        &self.database
    }

    /// Adds rows of these ids to every table, made at `made` if they have a time.
    pub(crate) fn add(&self, ids: &std::ops::RangeInclusive<i64>, made: Option<&str>) {
        let (first, last) = ids.clone().into_inner();
        let made = made.map_or_else(|| MADE.to_owned(), |made| format!("timestamp '{made}'"));
        let inserts = self.schema.loadable().map(|table| {
            let values = table.columns.iter().enumerate().map(|(at, (name, column))| match name.as_str() {
                "id" => "n".to_owned(),
                "created_at" => made.clone(),
                _ => value(&column.sql_type, at),
            });
            let values = values.collect::<Vec<_>>().join(", ");
            format!(
                "INSERT INTO \"{}\" SELECT {values} FROM generate_series({first}, {last}) n;\n",
                table.name
            )
        });
        self.database.run(&inserts.collect::<String>());
    }

    /// Changes a third of the rows, and deletes a fifth.
    pub(crate) fn change(&self) {
        let changes = self.schema.loadable().map(|table| {
            let name = &table.name;
            let texts = table.columns.iter().filter(|(_, column)| column.sql_type == "character varying");
            let set = texts.map(|(name, _)| format!("\"{name}\" = \"{name}\" || ' changed'"));
            let set = set.collect::<Vec<_>>().join(", ");
            let update = if set.is_empty() {
                String::new()
            } else {
                format!("UPDATE \"{name}\" SET {set} WHERE id % 3 = 0;\n")
            };
            format!("{update}DELETE FROM \"{name}\" WHERE id % 5 = 0;\n")
        });
        self.database.run(&changes.collect::<String>());
    }

    /// The export of each table's rows of these ids, in the schema's order of tables: what PostgreSQL's own COPY
    /// writes.
    pub(crate) fn exports(&self, ids: &std::ops::RangeInclusive<i64>) -> Vec<(String, String)> {
        let (first, last) = ids.clone().into_inner();
        let query = |table: &Table| {
            format!("(SELECT * FROM \"{}\" WHERE id BETWEEN {first} AND {last} ORDER BY id)", table.name)
        };
        let copies = self.schema.loadable().map(|table| {
            format!("\\echo {MARK} {}\nCOPY {} TO STDOUT (FORMAT csv, HEADER);\n", table.name, query(table))
        });
        parts(&self.database.run(&copies.collect::<String>()))
    }
}

/// What stands before each part of a script's output, and its name.
pub(crate) const MARK: &str = "--8<--";

/// The parts of an output, by the names behind the marks.
pub(crate) fn parts(output: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8(output.to_vec()).unwrap();
    let mark = format!("{MARK} ");
    let parts = text.split(&mark).skip(1).map(|part| part.split_once('\n').unwrap());
    parts.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
}

/// A value of row `n` in the column at this place: NULL, the empty text, the ends of the type, and what needs quotes.
fn value(sql_type: &str, at: usize) -> String {
    let (kind, size) = sql_type.split_once('(').map_or((sql_type, ""), |(kind, size)| (kind.trim(), size));
    let size = size.split(')').next().unwrap_or_default();
    let one_of = |values: &[&str]| {
        let whens = values.iter().enumerate().map(|(when, value)| format!("WHEN {when} THEN {value} "));
        format!("(CASE (n + {at}) % {} {}END)::{}", values.len(), whens.collect::<String>(), cast(sql_type))
    };
    match kind {
        "integer" => one_of(&["NULL", "0", "2147483647", "-2147483648", "n * 7"]),
        "bigint" => one_of(&["NULL", "0", "9223372036854775807", "-9223372036854775808", "n * 7"]),
        "boolean" => one_of(&["NULL", "true", "false"]),
        "double precision" => one_of(&["NULL", "0", "0.1", "-2.5e300"]),
        "numeric" => {
            let (precision, scale) = size.split_once(',').unwrap();
            let most = format!("{}e-{scale}", "9".repeat(precision.parse().unwrap()));
            one_of(&["NULL", "0", &most, &format!("-{most}"), &format!("1e-{scale}")])
        }
        "timestamp" | "timestamp without time zone" => one_of(&[
            "NULL",
            "timestamp '2024-02-29 23:59:59.999999'",
            "timestamp '1969-12-31'",
            "timestamp '2026-01-05 12:34:56.78' + n * interval '61.25 seconds'",
        ]),
        "jsonb" | "json" => one_of(&[
            "NULL",
            "'{}'",
            r#"'{"a": "a \"quote\",\nand 日本"}'"#,
            r#"'[1, null, "é"]'"#,
            r#"'""'"#,
            "jsonb_build_object('n', n)::text",
        ]),
        "hstore" => one_of(&[
            "NULL",
            "''",
            "'a=>x, b=>NULL'",
            r#"'"a ""=>"\"é\", x"'"#.replace("\"a \"\"", "\"a \"").as_str(),
        ]),
        "uuid" => one_of(&["NULL", "md5(n::text)"]),
        "geography" => one_of(&["NULL", "'0101000020E6100000' || upper(md5(n::text))"]),
        "character varying" | "text" => {
            let text = one_of(&[
                "NULL",
                "''",
                "'plain'",
                r#"E'two\nlines, "quoted"'"#,
                "'ünïcödé 日本 😀'",
                "' spaces '",
                r"E'\\N NULL \\ \r\n'",
                "'\"'",
            ]);
            if size.is_empty() { text } else { format!("left({text}, {size})") }
        }
        other => panic!("no values of type {other}"),
    }
}

fn cast(sql_type: &str) -> &str {
    match sql_type.split('(').next().unwrap().trim() {
        "character varying" | "geography" => "text",
        _ => sql_type,
    }
}
