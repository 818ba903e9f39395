//! CloudWatch's embedded metric format, held to the rules of its specification.
//!
//! docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html:
//! the JSON Schema there, and what it says in words: a target member of each metric (a number, or up to 100 of them)
//! and of each dimension (a text) at the root; a whole line; members of `_aws` that are not named are refused here.

use crate::world::{World, csv, schema_of};
use csl_stream::metrics::emf::{DIMENSION, METRICS, NAMESPACE};
use csl_stream::store::ExportKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Units, as the specification lists them: those of MetricDatum.
const UNITS: &str = "Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|\
    Megabits|Gigabits|Terabits|Percent|Count|Bytes/Second|Kilobytes/Second|Megabytes/Second|Gigabytes/Second|\
    Terabytes/Second|Bits/Second|Kilobits/Second|Megabits/Second|Gigabits/Second|Terabits/Second|Count/Second|None";
/// A log event of CloudWatch Logs.
const LINE_BYTES_MAX: usize = 256 << 10;

fn schema() -> Value {
    let dimension = json!({ "type": "string", "minLength": 1, "maxLength": 250 });
    let metric = json!({
        "type": "object",
        "required": ["Name"],
        "additionalProperties": false,
        "properties": {
            "Name": { "type": "string", "minLength": 1, "maxLength": 1024 },
            "Unit": { "type": "string", "enum": UNITS.split('|').collect::<Vec<_>>() },
            "StorageResolution": { "enum": [1, 60] },
        },
    });
    let directive = json!({
        "type": "object",
        "required": ["Namespace", "Dimensions", "Metrics"],
        "additionalProperties": false,
        "properties": {
            "Namespace": { "type": "string", "minLength": 1, "maxLength": 1024 },
            "Dimensions": {
                "type": "array", "minItems": 1,
                "items": { "type": "array", "minItems": 1, "maxItems": 30, "items": dimension },
            },
            "Metrics": { "type": "array", "minItems": 1, "maxItems": 100, "items": metric },
        },
    });
    json!({
        "type": "object",
        "required": ["_aws"],
        "properties": { "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": false,
            "properties": {
                "Timestamp": { "type": "integer", "minimum": 1_500_000_000_000_u64 },
                "CloudWatchMetrics": { "type": "array", "minItems": 1, "items": directive },
            },
        } },
    })
}

/// The metrics of a line, which must keep the rules.
fn metrics(line: &str) -> BTreeMap<String, f64> {
    assert!(line.len() <= LINE_BYTES_MAX);
    let root: Value = serde_json::from_str(line).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let faults: Vec<String> = validator.iter_errors(&root).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{root:#}");
    let directive = &root["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (&directive["Namespace"], &directive["Dimensions"]),
        (&json!(NAMESPACE), &json!([[DIMENSION]]))
    );
    let dimension = root[DIMENSION].as_str().unwrap();
    assert!((1..=1024).contains(&dimension.len()) && dimension.is_ascii(), "{dimension}");
    let mut found = BTreeMap::new();
    for metric in directive["Metrics"].as_array().unwrap() {
        let name = metric["Name"].as_str().unwrap();
        let known = METRICS.iter().find(|known| known.name == name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(metric["Unit"], known.unit);
        found.insert(name.to_owned(), root[name].as_f64().unwrap_or_else(|| panic!("{name}: {root:#}")));
    }
    let named: BTreeMap<_, _> = found.clone();
    assert_eq!(named.len(), directive["Metrics"].as_array().unwrap().len(), "each once");
    found
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("_aws")).collect()
}

#[test]
fn the_rules_find_what_is_wrong() {
    let sound = json!({
        "_aws": { "Timestamp": 1_700_000_000_000_u64, "CloudWatchMetrics": [
            { "Namespace": "n", "Dimensions": [["Table"]], "Metrics": [{ "Name": "a", "Unit": "Count" }] }] },
        "Table": "t", "a": 1 });
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(validator.is_valid(&sound));
    for (pointer, wrong) in [
        ("/_aws/Timestamp", json!("now")),
        ("/_aws/Timestamp", json!(1_700_000_000)),
        ("/_aws/CloudWatchMetrics/0/Namespace", json!("")),
        ("/_aws/CloudWatchMetrics/0/Dimensions", json!([])),
        ("/_aws/CloudWatchMetrics/0/Dimensions", json!(["Table"])),
        ("/_aws/CloudWatchMetrics/0/Metrics/0/Unit", json!("Rows")),
        ("/_aws/CloudWatchMetrics/0/Metrics", json!([])),
    ] {
        let mut broken = sound.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
}

#[test]
fn every_load_leaves_a_line() {
    let world = World::new(&schema_of(&["a"]));
    let on = [("CSL_METRICS_EMF", "true"), ("CSL_LOAD_MAX_REJECTS", "1")];
    let night = |at: &str, kind: ExportKind, csv: &[u8], code: i32| {
        let order = world.export(kind, "a", at, csv, false);
        world.send(&order);
        let answer = world.run_with(&["work", "--once"], &on);
        assert_eq!(answer.code, Some(code), "{answer:#?}");
        assert!(lines(&answer.out).is_empty(), "results stay alone on stdout");
        let found = lines(&answer.err);
        assert_eq!(found.len(), 1, "{answer:#?}");
        assert!(found[0].starts_with('{') && found[0].ends_with('}'), "nothing else on the line: {found:?}");
        (metrics(found[0]), order)
    };
    let names = |found: &BTreeMap<String, f64>| found.keys().cloned().collect::<Vec<_>>().join(" ");
    let (first, _) = night("20260301031500", ExportKind::Full, csv(1..=4).as_bytes(), 0);
    assert_eq!(names(&first), "DataAge FullRows LoadTime LoadsSucceeded RowsLoaded");
    assert_eq!((first["FullRows"], first["RowsLoaded"], first["LoadsSucceeded"]), (4.0, 4.0, 1.0));
    assert!(first["DataAge"] > 0.0 && first["LoadTime"] > 0.0, "{first:?}");
    let (second, order) = night("20260302031500", ExportKind::Full, b"id,name\n1,a\n2,b\n3,c\nx,d\n", 0);
    assert_eq!(
        names(&second),
        "DataAge FullRows FullRowsBefore LoadTime LoadsSucceeded RowsLoaded RowsRejected"
    );
    assert_eq!((second["FullRows"], second["FullRowsBefore"], second["RowsRejected"]), (3.0, 4.0, 1.0));
    let (third, _) = night("20260302040000", ExportKind::Incremental, csv([9]).as_bytes(), 0);
    assert_eq!(names(&third), "DataAge LoadTime LoadsSucceeded RowsLoaded");
    let (failed, _) = night("20260303031500", ExportKind::Full, b"id,name\nx,a\ny,b\n", 1);
    assert_eq!(names(&failed), "LoadTime LoadsFailed RowsRejected");
    // Without a wish there is none, and of what was skipped neither.
    world.send(&order);
    let skipped = world.run_with(&["work", "--once"], &on);
    world.send(&world.export(ExportKind::Full, "a", "20260304031500", csv(1..=3).as_bytes(), false));
    let silent = world.run(&["work", "--once"]);
    assert_eq!(skipped.code, Some(0), "{skipped:#?}");
    assert!(lines(&skipped.err).is_empty() && lines(&silent.err).is_empty(), "{skipped:#?}{silent:#?}");
}

#[test]
fn backfill_leaves_a_line_beside_its_report() {
    let world = World::unsigned(&schema_of(&["a"]));
    let path = world.path("a_20260301031500.csv");
    std::fs::write(&path, csv(1..=4)).unwrap();
    let words = ["backfill", "--table", "a", "--json", "--quiet", "--export", path.to_str().unwrap()];
    let answer = world.run_with(&words, &[("CSL_METRICS_EMF", "true")]);
    assert_eq!((answer.code, &answer.json()["status"]), (Some(0), &"succeeded".into()), "{answer:#?}");
    assert_eq!(metrics(lines(&answer.err)[0])["RowsLoaded"], 4.0);
}
