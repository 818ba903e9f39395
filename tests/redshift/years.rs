//! Years of schemas, a night each, by an unattended worker: each night ends loaded, or waiting with the statements
//! that its owner has to run; no dead letter; each cell as PostgreSQL has it after the same changes.

use crate::mirror::{Mirror, Night, Target};
use crate::old_loader::rows;
use crate::seed::seed;
use crate::source::Source;
use crate::takeover::Ours;
use crate::walk::{NIGHTS, Walk, walks};
use csl_stream::schema::BulkSchema;
use csl_stream::store::ExportKind::{self, Full, Incremental};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// `all`: every table has an export every night. Else a table has one in its first night, and where its columns are
/// others than before.
const NIGHTS_VARIABLE: &str = "CSL_TEST_YEARS";

/// All nights lie within the hours in which an export can be read: what waits does so until then.
const FIRST_NIGHT: Duration = Duration::from_secs(4 * 3600);
const BETWEEN_NIGHTS: u32 = 20;

/// A warehouse, its worker, and its mirror.
struct Years {
    ours: Ours,
    mirror: Mirror,
    target: Target,
    /// How much of the log was read.
    read: usize,
    /// Nights of a table that waited.
    waited: usize,
}

/// One export of a night.
struct Export {
    table: String,
    kind: ExportKind,
    schema: Vec<(String, String)>,
    csv: String,
    is_owner: bool,
}

/// A time within the last hours, by the minutes since the first night.
fn at(minutes: u32) -> String {
    let time = SystemTime::now() - FIRST_NIGHT + Duration::from_secs(u64::from(minutes) * 60);
    csl_stream::ledger::timestamp(time).chars().filter(char::is_ascii_digit).take(14).collect()
}

impl Years {
    fn new(name: &str, target: Target, schema: &str) -> Self {
        let warehouse = match target {
            Target::Redshift => "redshift",
            #[cfg(feature = "query")]
            Target::Folder => "warehouse",
        };
        let settings = [
            ("CSL_WAREHOUSE_TO", warehouse),
            ("CSL_LOAD_CREATE_TABLE", "true"),
            // A full export replaces all, however young, and however few its rows.
            ("CSL_LOAD_RECENT_HOURS", "0"),
            ("CSL_LOAD_SHRINK_MAX_PERCENT", "100"),
            // Its dead letters and its log are enough.
            ("CSL_LOG", "off"),
        ];
        let first = BulkSchema::parse(schema.as_bytes(), "schema").unwrap();
        let ours = Ours::new(&first, schema, &settings);
        Self { ours, mirror: Mirror::new(name, target), target, read: 0, waited: 0 }
    }

    /// One night: each export is loaded, or waits as it must; what waits is helped as it says.
    fn night(&mut self, number: u32, schema: &str, exports: &[Export]) {
        std::fs::write(self.ours.world.dir.path().join("schema.json"), schema).unwrap();
        let minutes = number * BETWEEN_NIGHTS;
        let mut expected: BTreeMap<&str, Night> = BTreeMap::new();
        for export in exports {
            let Export { table, kind, schema, csv, is_owner } = export;
            self.ours.send(*kind, &at(minutes), &[(table.clone(), csv.clone())]);
            let night = self.mirror.expects(table, *kind, schema, *is_owner);
            expected.insert(table, night);
        }
        let waiting = self.ours.waiting();
        let waits: BTreeSet<String> = expected
            .iter()
            .filter(|(_, night)| **night != Night::Loads)
            .map(|(table, _)| (*table).to_owned())
            .collect();
        let said = self.ours.log()[self.read..].to_owned();
        assert_eq!(waiting, waits, "night {number}: {said}");
        self.waited += waiting.len();
        let statements = statements(&said);
        for export in exports.iter().filter(|export| waiting.contains(&export.table)) {
            match expected[export.table.as_str()] {
                Night::NeedsOwner => {
                    let statements = statements.get(&export.table).cloned().unwrap_or_default();
                    assert!(!statements.is_empty(), "night {number}, {}: {said}", export.table);
                    for sql in statements {
                        self.ours.world.sql(&sql.replace("(max)", "(65535)"));
                    }
                }
                _ => {
                    assert!(said.contains("a full export"), "night {number}, {}: {said}", export.table);
                    let export = (export.table.clone(), export.csv.clone());
                    self.ours.send(Full, &at(minutes + BETWEEN_NIGHTS / 2), &[export]);
                }
            }
        }
        self.ours.pass_time();
        self.ours.settle();
        assert_eq!(self.ours.dead(), "[]", "night {number}: {said}");
        self.read = self.ours.log().len();
        for export in exports {
            let kind = match expected[export.table.as_str()] {
                Night::NeedsFull => Full,
                _ => export.kind,
            };
            self.mirror.load(&export.table, kind, &export.schema, &export.csv);
        }
        self.compare(number);
    }

    /// Every cell that ever was.
    fn compare(&self, night: u32) {
        let lists = self.mirror.lists();
        match self.target {
            Target::Redshift => {
                let world = &self.ours.world;
                let sql = "SELECT string_agg(table_name || '.' || column_name, ' ') FROM svv_columns WHERE data_type = 'geography'";
                let geographies = world.sql(sql);
                let is_geography = |table: &str, name: &str| {
                    geographies.split(' ').any(|known| known == format!("{table}.{name}"))
                };
                let cell = |table: &str, name: &str| match is_geography(table, name) {
                    true => format!("st_asewkb(\"{name}\")"),
                    false => format!("\"{name}\""),
                };
                let found = rows(world.database(), &lists, &cell);
                let expected = rows(self.mirror.database(), &lists, &|_, name| format!("\"{name}\""));
                for (table, expected) in &expected {
                    assert_eq!(&found[table], expected, "night {night}, {table}: {:?}", lists[table]);
                }
            }
            #[cfg(feature = "query")]
            Target::Folder => {
                for (table, columns) in &lists {
                    let list = |end: &str| {
                        let each = columns.iter().map(|name| format!("\"{name}\"{end}"));
                        format!("SELECT {} FROM \"{table}\"", each.collect::<Vec<_>>().join(", "))
                    };
                    // A text of each: COPY shortens booleans.
                    let copy =
                        format!("COPY ({} ORDER BY \"{table}\".id) TO STDOUT (FORMAT csv)", list("::text"));
                    let expected = self.mirror.database().text(&copy);
                    let warehouse = self.ours.world.dir.path().join("warehouse");
                    let found = queried(&warehouse, &format!("{} ORDER BY id", list("")));
                    let found = found.split_once('\n').unwrap().1.trim_end_matches('\n');
                    assert_eq!(found, expected, "night {night}, {table}");
                }
            }
        }
    }
}

#[cfg(feature = "query")]
fn queried(warehouse: &std::path::Path, sql: &str) -> String {
    use csl_stream::warehouse::query::{Format, Query, run};
    let mut out = Vec::new();
    run(&Query { sql, warehouse: Some(warehouse), files: &[], given: &[] }, Format::Csv, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The statements that the log asks the owner of each table for: those of its first failure.
fn statements(log: &str) -> BTreeMap<String, Vec<String>> {
    let begins = |part: &str| ["ALTER TABLE", "UPDATE \""].iter().filter_map(|word| part.find(word)).min();
    let mut found = BTreeMap::new();
    for help in log.lines().filter(|line| line.contains("ALTER TABLE \"public\".")) {
        let parts = help.split(';').filter_map(|part| Some(part[begins(part)?..].trim().to_owned()));
        let statements: Vec<String> = parts.collect();
        let table = statements[0].split('"').nth(3).unwrap().to_owned();
        found.entry(table).or_insert(statements);
    }
    found
}

/// The published versions, a night each, every table that can be loaded; of the first night's tables the loader owns
/// every other one.
fn published(target: Target, name: &str) {
    let folder = crate::postgres::root().join("fixtures/schema");
    let paths = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    paths.sort();
    assert_eq!(paths.len(), 7, "{paths:?}");
    let texts: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut years = Years::new(name, target, &texts[0]);
    let loader = years.ours.world.loader();
    let is_all = std::env::var(NIGHTS_VARIABLE).is_ok_and(|text| text == "all");
    let (mut others, mut before) = (BTreeSet::new(), BTreeMap::new());
    let mut loads = 0;
    for (night, text) in texts.iter().enumerate() {
        let first = 10 * night as i64 + 1;
        let ids = first..=first + 2;
        let source = Source::new(&format!("{name}_source"), text);
        source.add(&ids, None);
        if night == 0 {
            for (at, table) in source.schema.loadable().enumerate() {
                match at % 2 {
                    0 => drop(others.insert(table.name.clone())),
                    _ => drop(
                        years.ours.world.sql(&format!("ALTER TABLE \"{}\" OWNER TO {loader}", table.name)),
                    ),
                }
            }
        }
        let export = |(table, csv): (String, String)| {
            let columns = &source.schema.table(&table).unwrap().columns;
            let schema = columns.iter().map(|(name, column)| (name.clone(), column.sql_type.clone()));
            let is_owner = !others.contains(&table);
            Export { kind: Full, schema: schema.collect(), csv, is_owner, table }
        };
        let mut exports: Vec<Export> = source.exports(&ids).into_iter().map(export).collect();
        exports.retain(|export| {
            let same =
                before.insert(export.table.clone(), export.schema.clone()) == Some(export.schema.clone());
            is_all || !same
        });
        loads += exports.len();
        years.night(night as u32, text, &exports);
    }
    println!("{} nights, {loads} exports, {} waited", texts.len(), years.waited);
    assert_eq!(years.waited > 0, target == Target::Redshift);
}

#[test]
fn the_published_schemas_in_turn_load_every_table_redshift() {
    published(Target::Redshift, "years_published");
}

#[cfg(feature = "query")]
#[test]
fn the_published_schemas_in_turn_load_every_table_folder() {
    published(Target::Folder, "years_published_folder");
}

/// Walks, a table each: half of the tables are the loader's own.
fn walk(target: Target, name: &str) {
    let seed = seed();
    let mut walks: Vec<Walk> = (0..walks()).map(|at| Walk::new(seed.wrapping_add(at))).collect();
    let table = |at: usize| format!("t{at}");
    let schema = |walks: &[Walk]| {
        let tables: Vec<_> = walks.iter().enumerate().map(|(at, walk)| walk.described(&table(at))).collect();
        serde_json::json!({ "tables": tables }).to_string()
    };
    let mut years = Years::new(name, target, &schema(&walks));
    let loader = years.ours.world.loader();
    for at in (0..walks.len()).step_by(2) {
        years.ours.world.sql(&format!("ALTER TABLE \"{}\" OWNER TO {loader}", table(at)));
    }
    for night in 0..NIGHTS {
        let export = |(at, walk): (usize, &mut Walk)| {
            let kind = if night == 0 || walk.coin() { Full } else { Incremental };
            let new = walk.rows(1 + 10 * night as i64);
            let (schema, csv) = (walk.typed(), walk.csv(&new));
            Export { table: table(at), kind, schema, csv, is_owner: at % 2 == 0 }
        };
        let exports: Vec<Export> = walks.iter_mut().enumerate().map(export).collect();
        years.night(night as u32, &schema(&walks), &exports);
        walks.iter_mut().for_each(Walk::step);
    }
    println!("seed {seed}: {} walks of {NIGHTS} nights, {} waited", walks.len(), years.waited);
}

#[test]
fn whichever_way_schemas_walk_each_night_is_loaded_or_waits_redshift() {
    walk(Target::Redshift, "years_walks");
}

#[cfg(feature = "query")]
#[test]
fn whichever_way_schemas_walk_each_night_is_loaded_or_waits_folder() {
    walk(Target::Folder, "years_walks_folder");
}
