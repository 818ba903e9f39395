//! Random tables: columns of all types in any order under odd names, and rows that PostgreSQL makes.

use fastrand::Rng;

/// One type: how PostgreSQL names it and makes values of it.
struct Type {
    sql: &'static str,
    /// The bulk schema's name, where a stand-in takes the type's place.
    described: Option<&'static str>,
    /// An expression for a random value.
    random: &'static str,
    /// Values at the ends, as a list of literals.
    ends: &'static str,
    /// Values that must be rejected.
    poison: &'static str,
}

const fn plain(sql: &'static str, random: &'static str, ends: &'static str) -> Type {
    Type { sql, described: None, random, ends, poison: "" }
}

const fn poisoned(sql: &'static str, random: &'static str, ends: &'static str, poison: &'static str) -> Type {
    Type { sql, described: None, random, ends, poison }
}

const MOMENTS: &str = "'epoch', '1969-12-31 23:59:59.999999', '0001-01-01', '0001-12-31 23:59:59 BC', '0044-03-15 12:00:00.5 BC', \
    '4714-11-24 BC', '9999-12-31 23:59:59.999', '10000-01-01', '294246-12-30 23:59:59.999999', '2000-02-29', \
    '1900-02-28 23:59:59.25', '2024-12-31 23:59:60'";
const ENDLESS: &str = "'infinity', '-infinity', '294247-06-01'";
const FLOATS: &str = "'NaN', 'Infinity', '-Infinity'";

const TYPES: &[Type] = &[
    plain("smallint", "floor(random() * 65536) - 32768", "-32768, 32767, 0, -1"),
    plain("integer", "floor(random() * 4294967296) - 2147483648", "-2147483648, 2147483647, 0, -1"),
    plain("integer", "floor(random() * 100)", "0"),
    plain(
        "bigint",
        "(floor(random() * 4294967296) - 2147483648)::bigint * 4294967296 + floor(random() * 4294967296)::bigint",
        "-9223372036854775808, 9223372036854775807, 0, -1, 999999999999999999, 1000000000000000000",
    ),
    plain("bigint", "floor(random() * 1e7)", "0, 10, 100000000"),
    plain("boolean", "random() < 0.5", "true, false"),
    poisoned(
        "real",
        "csl_float(36)::real",
        "3.4028235e38, -3.4028235e38, 1e-45, '-0', 0, 0.1, 16777217",
        FLOATS,
    ),
    poisoned(
        "double precision",
        "csl_float(300)",
        "1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, '-0', 0, 0.1, 9007199254740993, 1e15, 1e16",
        FLOATS,
    ),
    poisoned("double precision", "floor(random() * 1000) / 8", "0", FLOATS),
    poisoned("timestamp without time zone", "csl_moment()", MOMENTS, ENDLESS),
    poisoned("timestamp without time zone", "date_trunc('second', csl_moment())", MOMENTS, ENDLESS),
    poisoned("timestamp(6) without time zone", "csl_moment()", MOMENTS, ENDLESS),
    poisoned("timestamp(3) without time zone", "csl_moment()", MOMENTS, ENDLESS),
    poisoned("timestamp(0) without time zone", "csl_moment()", MOMENTS, ENDLESS),
    poisoned("timestamp with time zone", "csl_moment() AT TIME ZONE 'UTC'", MOMENTS, ENDLESS),
    poisoned("timestamp(1) with time zone", "csl_moment() AT TIME ZONE 'UTC'", MOMENTS, ENDLESS),
    poisoned(
        "date",
        "csl_moment()::date",
        "'epoch', '4714-11-24 BC', '0001-12-31 BC', '294276-12-31'",
        "'infinity', '-infinity', '294277-01-01', '5874897-12-31'",
    ),
    plain("uuid", "md5(random()::text)::uuid", "'00000000-0000-0000-0000-000000000000'"),
    plain("character varying", "csl_text()", "'', ' '"),
    plain(
        "character varying(255)",
        "left(csl_text(), 255)",
        "repeat('é', 255), repeat('😀', 255), repeat('\"', 255)",
    ),
    plain("character varying(5)", "left(csl_text(), 5)", "'😀😀😀😀😀', E'\\n\\n\\n\\n\\n', ''"),
    plain("text", "csl_text()", "'', '\\.', '\\N', '\"', E'\\r\\n'"),
    plain("text", "csl_text()", "''"),
    plain("hstore", "hstore(ARRAY['k', csl_word()], ARRAY[csl_text(), NULL])", "'', 'a=>NULL'"),
    plain(
        "json",
        "('{ \"k\" :' || csl_space() || to_json(csl_text())::text || '}')::json",
        "'null', '[ ]', '\"\"'",
    ),
    plain("jsonb", "jsonb_build_object(csl_word(), csl_text(), 'n', random())", "'{}', 'null', '\"\\\\\"'"),
    plain("csl_mood", "(enum_range(NULL::csl_mood))[1 + floor(random() * 7)::integer]", "'sad'"),
    plain(
        "inet",
        "'192.0.2.0'::inet + floor(random() * 256)::bigint",
        "'::/0', '2001:db8::1/64', '10.0.0.0/8'",
    ),
    plain("integer[]", "ARRAY[floor(random() * 100), NULL, -1]::integer[]", "'{}', '{{1,2},{3,4}}'"),
    plain("text[]", "ARRAY[csl_word(), NULL, csl_text()]", "'{}', '{\"NULL\"}'"),
    plain("bytea", "decode(md5(random()::text), 'hex')", "'', '\\x00'"),
    plain("interval", "random() * interval '1 year'", "'0', '-1 day'"),
    plain("time without time zone", "time '00:00' + random() * interval '1 day'", "'24:00'"),
    plain("character(4)", "left(csl_text(), 4)", "'', 'a'"),
    // Wider than its schema says.
    Type {
        sql: "text",
        described: Some("character varying(7)"),
        random: "csl_text()",
        ends: "repeat('é', 7), repeat('é', 8), repeat('😀', 9), E'seven e\\u0301'",
        poison: "",
    },
    Type {
        sql: "text",
        described: Some("geography(Point,4326)"),
        random: "'0101000020E6100000' || upper(md5(random()::text))",
        ends: "'0101000020E610000000000000000000000000000000000000'",
        poison: "",
    },
];

// A schema whose names hold control characters is refused, so they are not here.
const NAMES: &[&str] = &[
    "id",
    "created_at",
    "select",
    "Id",
    "two words",
    " padded ",
    "a,b",
    "say \"hi\"",
    "\"",
    ",",
    "naïve",
    "日本語",
    "😀",
    "it's",
    "back\\slash",
    "a;b",
    "100%",
    "a.b",
    "{}",
    "$1",
    ":x",
    "NULL",
    "-",
    "=1+1",
];

/// One column of a random table.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) sql_type: String,
    described: Option<&'static str>,
    value: String,
}

impl Column {
    /// Its type as the bulk schema names it.
    pub(crate) fn described(&self) -> String {
        self.described.map_or_else(|| self.sql_type.clone(), str::to_owned)
    }
}

/// A random table, and how it is exported and converted.
pub(crate) struct Plan {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: u32,
    pub(crate) zone: &'static str,
    pub(crate) flags: Vec<String>,
    seed: f64,
}

/// What shape of tables is wanted.
pub(crate) struct Shape {
    pub(crate) columns: std::ops::RangeInclusive<usize>,
    pub(crate) rows: std::ops::RangeInclusive<u32>,
    /// Whether text may be wider than any small buffer.
    pub(crate) long_text: bool,
}

impl Plan {
    pub(crate) fn random(rng: &mut Rng, shape: &Shape) -> Self {
        let rows = rng.u32(shape.rows.clone());
        let poison_rate = rng.choice([0.0, 0.0, 0.002]).expect("a choice");
        let columns = (0..rng.usize(shape.columns.clone()))
            .map(|index| Self::column(rng, index, shape.long_text, poison_rate))
            .collect();
        let zone = rng.choice(["UTC", "UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"]);
        let threads = rng.choice(["1", "2", "3"]).expect("a choice");
        let codec = rng.choice(["snappy", "snappy", "zstd", "none"]).expect("a choice");
        let mut flags: Vec<String> = ["--threads", threads, "--codec", codec].map(str::to_owned).to_vec();
        if rng.bool() {
            flags.extend(["--segment-size".to_owned(), rng.u32(20_000..20_000_000).to_string()]);
        }
        Self { columns, rows, zone: zone.expect("a choice"), flags, seed: rng.f64() }
    }

    fn column(rng: &mut Rng, index: usize, long_text: bool, poison_rate: f64) -> Column {
        let odd = NAMES[rng.usize(0..NAMES.len())];
        let name = if rng.bool() { format!("column_{index}") } else { format!("{odd}{index}") };
        let null_rate = rng.choice([0.0, 0.05, 0.5, 0.95, 1.0]).expect("a choice");
        let end_rate = rng.choice([0.0, 0.02, 0.3]).expect("a choice");
        // Decimals have a precision each, so they are made here and not listed.
        if rng.usize(0..8) == 0 {
            let precision = rng.u8(1..=38);
            let scale = rng.u8(0..=precision);
            let sql_type = format!("numeric({precision},{scale})");
            let most = format!("{}e-{scale}", "9".repeat(precision.into()));
            let ends = format!("{most}, -{most}, 0, 1e-{scale}, -1e-{scale}");
            let random = format!("csl_decimal({precision}, {scale})");
            let value = value(&sql_type, &random, &ends, "'NaN'", [null_rate, end_rate, poison_rate]);
            return Column { name, sql_type, described: None, value };
        }
        let kind = &TYPES[rng.usize(0..TYPES.len())];
        let random = if long_text && kind.sql == "text" && kind.described.is_none() {
            "csl_long_text()"
        } else {
            kind.random
        };
        let value = value(kind.sql, random, kind.ends, kind.poison, [null_rate, end_rate, poison_rate]);
        Column { name, sql_type: kind.sql.to_owned(), described: kind.described, value }
    }

    /// The script that makes and fills the table `name`.
    pub(crate) fn sql(&self, name: &str) -> String {
        let quoted = |column: &Column| format!("\"{}\"", column.name.replace('"', "\"\""));
        let list = |each: &dyn Fn(&Column) -> String| {
            self.columns.iter().map(each).collect::<Vec<_>>().join(",\n  ")
        };
        let comments: String = self
            .columns
            .iter()
            .filter_map(|column| Some((column, column.described?)))
            .map(|(column, sql_type)| {
                format!("COMMENT ON COLUMN {name}.{} IS '{sql_type}';\n", quoted(column))
            })
            .collect();
        format!(
            "CREATE UNLOGGED TABLE {name} (\n  {});\n{comments}SELECT setseed({}) \\g /dev/null\n\
             INSERT INTO {name} SELECT\n  {}\nFROM generate_series(1, {});\n",
            list(&|column| format!("{} {}", quoted(column), column.sql_type)),
            self.seed,
            list(&|column| column.value.clone()),
            self.rows,
        )
    }
}

fn value(sql_type: &str, random: &str, ends: &str, poison: &str, rates: [f64; 3]) -> String {
    let one_of = |list: &str| {
        let count = format!("array_length(ARRAY[{list}]::{sql_type}[], 1)");
        format!("(ARRAY[{list}]::{sql_type}[])[1 + floor(random() * {count})::integer]")
    };
    let [null_rate, end_rate, poison_rate] = rates;
    let mut cases = format!("WHEN random() < {null_rate} THEN NULL");
    if !ends.is_empty() && !sql_type.ends_with("[]") {
        cases += &format!(" WHEN random() < {end_rate} THEN {}", one_of(ends));
    }
    if !poison.is_empty() && poison_rate > 0.0 {
        cases += &format!(" WHEN random() < {poison_rate} THEN {}", one_of(poison));
    }
    format!("(CASE {cases} ELSE ({random})::{sql_type} END)")
}
