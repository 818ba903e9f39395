//! What the Lambda loader would have made of the same exports, in plain PostgreSQL: none of our code takes part.
//!
//! Its SQL, for each export, from ControlShift's fork of aws-lambda-redshift-loader (`index.js`, `loadCluster`) with
//! the settings of the old Terraform module (`columnList`, `truncateTarget` for full exports, `copyOptions =
//! "EMPTYASNULL TRUNCATECOLUMNS"`):
//!
//! ```sql
//! begin;
//! truncate table T;                     -- full exports only
//! COPY T (columns) from 's3://manifest' … manifest format csv delimiter ',' IGNOREHEADER 1 BZIP2
//!     EMPTYASNULL TRUNCATECOLUMNS;
//! commit;
//! ```
//!
//! | Redshift | here | source |
//! |---|---|---|
//! | TRUNCATE commits the transaction it stands in | in a transaction of its own | dg/r_TRUNCATE |
//! | COPY fails as a whole at its first fault (MAXERROR 0) | as PostgreSQL's | dg/copy-parameters-data-load |
//! | CSV: columns by position in the list, too many or too few are a fault | as PostgreSQL's | dg/copy-parameters-column-mapping, dg/r_Load_Error_Reference (1202, 1213) |
//! | EMPTYASNULL: an empty text, quoted or not, is NULL; of other types an empty field always is | `FORCE_NULL` | dg/copy-parameters-data-conversion |
//! | TRUNCATECOLUMNS: a text is cut to what its column takes | cut to 65,535 bytes, whole characters | dg/copy-parameters-data-conversion |
//! | text, jsonb, hstore and enums are CHARACTER VARYING(max), uuid CHAR(36) | text | `create_tables.rb` of ControlShift's example, dg/r_Character_types |

use crate::postgres::{self, Database};
use crate::source::{MARK, parts};
use csl_stream::schema::{BulkSchema, Table};
use std::collections::BTreeMap;

/// Bytes of CHARACTER VARYING(max).
const VARCHAR_BYTES: usize = 65_535;
/// The longest text of whole characters that has so many bytes.
const CUT: &str =
    "CREATE FUNCTION cut(value text, most integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  value := left(value, most);
  WHILE octet_length(value) > most LOOP
    value := left(value, char_length(value) - greatest(1, (octet_length(value) - most) / 4));
  END LOOP;
  RETURN value;
END $$;\n";

/// The loader, and the tables that it fills.
pub(crate) struct OldLoader {
    database: Database<'static>,
    /// `columnList` of each table's item: written when the module was applied, and never again.
    lists: BTreeMap<String, Vec<String>>,
    /// Columns that hold texts.
    texts: BTreeMap<String, Vec<String>>,
}

impl OldLoader {
    /// With its tables, as `create_tables.rb` makes them.
    pub(crate) fn new(name: &str, schema: &BulkSchema) -> Self {
        let database = postgres::server().database(name);
        let create = |table: &Table| {
            let columns =
                table.columns.iter().map(|(name, column)| format!("\"{name}\" {}", kind(&column.sql_type)));
            format!("CREATE TABLE \"{}\" ({});\n", table.name, columns.collect::<Vec<_>>().join(", "))
        };
        database.run(&(CUT.to_owned() + &schema.loadable().map(create).collect::<String>()));
        let lists =
            schema.loadable().map(|table| (table.name.clone(), table.columns.keys().cloned().collect()));
        let texts = schema.loadable().map(|table| {
            let texts = table.columns.iter().filter(|(_, column)| kind(&column.sql_type) == "text");
            (table.name.clone(), texts.map(|(name, _)| name.clone()).collect())
        });
        Self { database, lists: lists.collect(), texts: texts.collect() }
    }

    fn copy(&self, table: &str, csv: &str) -> String {
        let list = quoted(&self.lists[table]);
        let texts = &self.texts[table];
        let cut = texts.iter().map(|name| format!("\"{name}\" = cut(\"{name}\", {VARCHAR_BYTES})"));
        let is_long = texts.iter().map(|name| format!("octet_length(\"{name}\") > {VARCHAR_BYTES}"));
        let cut = match texts.is_empty() {
            true => String::new(),
            false => format!(
                "UPDATE \"{table}\" SET {} WHERE {};\n",
                cut.collect::<Vec<_>>().join(", "),
                is_long.collect::<Vec<_>>().join(" OR ")
            ),
        };
        format!(
            "COPY \"{table}\" ({list}) FROM STDIN (FORMAT csv, HEADER, FORCE_NULL ({list}));\n{csv}\\.\n{cut}"
        )
    }

    fn script(&self, is_full: bool, table: &str, csv: &str) -> String {
        let copy = self.copy(table, csv);
        let truncate = if is_full { format!("TRUNCATE \"{table}\";\n") } else { String::new() };
        format!("{truncate}BEGIN;\n{copy}COMMIT;\n")
    }

    /// Loads these exports, one after the other.
    pub(crate) fn load(&self, is_full: bool, exports: &[(String, String)]) {
        let scripts = exports.iter().map(|(table, csv)| self.script(is_full, table, csv));
        self.database.run(&scripts.collect::<String>());
    }

    /// Loads one that may fail; says why.
    pub(crate) fn try_load(&self, is_full: bool, table: &str, csv: &str) -> Result<(), String> {
        self.database.try_run(&self.script(is_full, table, csv)).map(drop)
    }

    /// Every cell of every table, a line a row.
    pub(crate) fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let cell = |_: &str, name: &str| format!("\"{name}\"");
        rows(&self.database, &self.lists, &cell)
    }

    /// What a query says.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.database.text(sql)
    }
}

/// The rows of these columns of each table, a line a row, in one order.
pub(crate) fn rows(
    database: &Database<'_>,
    lists: &BTreeMap<String, Vec<String>>,
    cell: &dyn Fn(&str, &str) -> String,
) -> BTreeMap<String, Vec<String>> {
    let copies = lists.iter().map(|(table, columns)| {
        let cells = columns.iter().map(|name| cell(table, name)).collect::<Vec<_>>().join(", ");
        format!("\\echo {MARK} {table}\nCOPY (SELECT {cells} FROM \"{table}\") TO STDOUT;\n")
    });
    let found = parts(&database.run(&copies.collect::<String>()));
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    found.into_iter().map(|(table, text)| (table, sorted(text))).collect()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// The type of a column by the rules of `create_tables.rb`.
fn kind(sql_type: &str) -> &str {
    match sql_type.split('(').next().unwrap().trim() {
        "character varying" | "text" | "json" | "jsonb" | "hstore" | "uuid" | "geography" => "text",
        "timestamp" | "timestamp without time zone" => "timestamp without time zone",
        _ => sql_type,
    }
}
