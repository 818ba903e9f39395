use super::*;

fn schema(columns: &[(&str, &str)]) -> BulkSchema {
    let columns = columns.iter().map(|&(name, sql_type)| {
        let (kind, sql_type) = ("x".to_owned(), sql_type.to_owned());
        (name.to_owned(), Column { kind, sql_type, limit: None, nullable: true, default_value: None })
    });
    let table = Table { name: "t".to_owned(), columns: columns.collect() };
    BulkSchema { tables: vec![table], compression_format: None }
}

/// Columns of the same type, from words.
fn texts(names: &str) -> BulkSchema {
    schema(&names.split_whitespace().map(|name| (name, "text")).collect::<Vec<_>>())
}

fn only_table(old: &BulkSchema, new: &BulkSchema) -> TableDiff {
    diff(old, new).tables_changed.pop().unwrap_or_default()
}

fn published() -> (BulkSchema, BulkSchema) {
    let parse = |json: &[u8]| BulkSchema::parse(json, "fixture").unwrap();
    let old = parse(include_bytes!("../../fixtures/schema/2022-10-19.json"));
    (old, parse(include_bytes!("../../fixtures/schema/2025-08-28.json")))
}

#[test]
fn moves_are_the_fewest() {
    let cases = [
        ("a b c d", "a b c d", ""),
        ("a b c d", "b c d a", "a"),
        ("a b c d", "d a b c", "d"),
        ("a b c d", "a c b d", "b"),
        ("a b c d e", "a x d b e", "d"),
        ("a b c d", "d c b a", "d c b"),
        ("id a b c", "x a b c id", "id"),
    ];
    for (old, new, expected) in cases {
        let moved = only_table(&texts(old), &texts(new)).moved;
        let moved: Vec<&str> = moved.iter().map(|column| column.column.as_str()).collect();
        assert_eq!(moved.len(), expected.split_whitespace().count(), "{old} → {new}: {moved:?}");
        if moved.len() == 1 && old != "a b c d" {
            assert_eq!(moved, [expected], "{old} → {new}");
        }
    }
    let moved = only_table(&texts("id a b c"), &texts("x a b c id")).moved;
    assert_eq!(moved, [ColumnMove { column: "id".to_owned(), from: 1, to: 5 }]);
}

/// Against trying all subsets, for all orders of six columns.
#[test]
fn longest_increasing_is_longest() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..500 {
        let mut values: Vec<usize> = (0..6).collect();
        random.shuffle(&mut values);
        let is_increasing = |subset: u32| {
            let kept: Vec<usize> = (0..6).filter(|at| subset >> at & 1 == 1).map(|at| values[at]).collect();
            kept.is_sorted()
        };
        let best = (0..1_u32 << 6).filter(|&subset| is_increasing(subset)).map(u32::count_ones).max();
        let found = longest_increasing(&values);
        assert_eq!(Some(found.len() as u32), best, "{values:?}");
        assert!(is_increasing(found.iter().map(|at| 1 << at).sum()), "{values:?}");
    }
}

#[test]
fn renames_are_guessed_by_name_place_and_type() {
    let guess = |old: &[(&str, &str)], new: &[(&str, &str)]| -> Vec<(String, String)> {
        only_table(&schema(old), &schema(new))
            .renamed
            .into_iter()
            .map(|guess| (guess.from, guess.to))
            .collect()
    };
    let pair = |from: &str, to: &str| vec![(from.to_owned(), to.to_owned())];
    // Alike in name and place.
    let old = [("a", "text"), ("post_code", "text"), ("b", "text")];
    assert_eq!(
        guess(&old, &[("a", "text"), ("postcode", "text"), ("b", "text")]),
        pair("post_code", "postcode")
    );
    // Another place, a like name.
    let moved = [("a", "text"), ("b", "text"), ("c", "text"), ("postcode", "text")];
    assert_eq!(guess(&old, &moved), pair("post_code", "postcode"));
    // Another type is no rename, whatever the name.
    assert_eq!(guess(&old, &[("a", "text"), ("postcode", "bigint"), ("b", "text")]), []);
    // varchar(10) and text are the same type in the warehouse.
    let limited = [("a", "text"), ("postcode", "character varying(10)"), ("b", "text")];
    assert_eq!(guess(&old, &limited), pair("post_code", "postcode"));
    // Nothing alike.
    assert_eq!(guess(&[("qqqq", "text"), ("a", "text")], &[("a", "text"), ("zzzz", "text")]), []);
    // Each column once, the likeliest wins.
    let two = [("name_1", "text"), ("name_12", "text")];
    assert_eq!(guess(&two, &[("name_123", "text")]), pair("name_12", "name_123"));
}

#[test]
fn properties() {
    let (old, mut new) = (schema(&[("a", "character varying(5)")]), schema(&[("a", "text")]));
    new.compression_format = Some("BZIP2".to_owned());
    let column = &mut new.tables[0].columns[0];
    (column.limit, column.nullable, column.default_value) = (Some(5), false, Some("x".into()));
    let found = diff(&old, &new);
    let changed: Vec<&str> = found.tables_changed[0].changed.iter().map(|change| change.property).collect();
    assert_eq!(changed, ["sql_type", "limit", "nullable", "default_value"]);
    assert_eq!(found.tables_changed[0].retyped, []);
    assert_eq!(found.compression_format.unwrap().to, "BZIP2");
    let retyped = only_table(&schema(&[("a", "integer")]), &schema(&[("a", "bigint")])).retyped;
    assert_eq!((retyped[0].from.as_str(), retyped[0].to.as_str()), ("INTEGER", "BIGINT"));
}

#[test]
fn nothing_differs_from_itself() {
    let (old, new) = published();
    for schema in [&old, &new] {
        let found = diff(schema, schema);
        assert!(found.is_empty());
        assert_eq!(found.to_string(), "no differences\n");
    }
}

/// The two published versions, in full. What stands here was found by comparing sets of names.
#[test]
fn published_versions() {
    let (old, new) = published();
    let found = diff(&old, &new);
    assert_eq!(found.to_string(), include_str!("../../fixtures/schema/diff-2022-10-19-2025-08-28.txt"));
    let backwards = diff(&new, &old);
    let count = |pick: fn(&TableDiff) -> usize, diff: &SchemaDiff| {
        diff.tables_changed.iter().map(pick).sum::<usize>()
    };
    assert_eq!(count(|t| t.added.len(), &found), count(|t| t.dropped.len(), &backwards));
    assert_eq!(count(|t| t.changed.len(), &found), count(|t| t.changed.len(), &backwards));
    assert_eq!(count(|t| t.moved.len(), &found), count(|t| t.moved.len(), &backwards));
}

#[test]
fn json_has_the_same_facts() {
    let (old, new) = published();
    let json = serde_json::to_value(diff(&old, &new)).unwrap();
    assert_eq!(json["tables_added"].as_array().unwrap().len(), 4);
    let tables = json["tables_changed"].as_array().unwrap();
    let signatures = tables.iter().find(|table| table["table"] == "signatures").unwrap();
    assert_eq!(signatures["dropped"][0]["column"], "join_partnership");
    let change = serde_json::json!({"column":"id","property":"sql_type","from":"integer","to":"bigint"});
    assert_eq!(signatures["changed"][0], change);
}
