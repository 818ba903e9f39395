//! The stages of a load, as its report has them.

use serde_json::Value;

/// The whole path, as its stages begin.
pub(crate) const STAGES: [&str; 6] = ["find", "read", "convert", "stage", "copy", "commit"];

/// A load that came to its end went through each stage, one beginning after the other, all inside its time.
pub(crate) fn assert_whole_path(report: &Value) {
    let seconds = |of: &Value| of.as_f64().unwrap_or_else(|| panic!("no time: {report:#}"));
    let stage = |name: &str| {
        let span = &report["stages"][name];
        (seconds(&span["began"]), seconds(&span["ended"]))
    };
    assert_eq!(report["stages"].as_object().map_or(0, |stages| stages.len()), STAGES.len(), "{report:#}");
    let mut before = 0.0;
    for name in STAGES {
        let (began, ended) = stage(name);
        assert!(before <= began && began <= ended, "{name}: {report:#}");
        assert!(ended <= seconds(&report["seconds"]["total"]), "{name}: {report:#}");
        before = began;
    }
    // What waits for all of the stage before; the others stream.
    for (first, then) in [("find", "read"), ("read", "copy"), ("stage", "copy"), ("copy", "commit")] {
        assert!(stage(first).1 <= stage(then).0, "{first}, {then}: {report:#}");
    }
    // The two parts that every report has are made of them.
    for (part, first, last) in [("convert", "read", "stage"), ("load", "copy", "commit")] {
        let whole = stage(last).1 - stage(first).0;
        // Sums of what was rounded.
        assert!(whole <= seconds(&report["seconds"][part]) + 1e-6, "{part}: {report:#}");
    }
}

/// The page of a load has a bar for each stage of its report.
pub(crate) fn assert_bars(page: &Value, report: &Value) {
    let bars = page["path"].as_array().unwrap();
    let names: Vec<_> = bars.iter().map(|bar| bar["name"].as_str().unwrap()).collect();
    let stages = report["stages"].as_object().unwrap();
    let came: Vec<_> = STAGES.into_iter().filter(|stage| stages.contains_key(*stage)).collect();
    assert_eq!((names, &page["stages_measured"]), (came, &Value::Bool(true)), "{page:#}");
    for bar in bars {
        let span = &report["stages"][bar["name"].as_str().unwrap()];
        assert_eq!(bar["from"], span["began"], "{page:#}");
        let seconds = |of: &Value| of.as_f64().unwrap();
        let took = seconds(&span["ended"]) - seconds(&span["began"]);
        assert!((seconds(&bar["seconds"]) - took).abs() < 1e-6, "{page:#}");
    }
}
