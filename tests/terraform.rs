//! docs/aws-calls.toml, by which the policies of the Terraform module are checked, is what the program calls.
//!
//! ```text
//! crates' sources ─▶ operations of each SDK ─┐
//! src/ ──────────────────────────────────────┴─▶ calls ═ docs/aws-calls.toml ─▶ scripts/check-terraform
//! ```

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Deserialize)]
struct Calls {
    sdk: Vec<Sdk>,
    store: Vec<StoreCall>,
}

#[derive(Deserialize)]
struct Sdk {
    #[serde(rename = "crate")]
    name: String,
    operations: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct StoreCall {
    method: String,
}

/// Methods of object_store's trait and its extensions that call S3.
const STORE_METHODS: &[&str] = &[
    "abort_multipart",
    "complete_multipart",
    "copy",
    "copy_if_not_exists",
    "copy_opts",
    "create_multipart",
    "delete",
    "delete_stream",
    "get",
    "get_opts",
    "get_range",
    "get_ranges",
    "head",
    "list",
    "list_with_delimiter",
    "list_with_offset",
    "put",
    "put_multipart",
    "put_multipart_opts",
    "put_opts",
    "put_part",
    "rename",
    "rename_if_not_exists",
];
/// What a bucket's client is called: `bucket.client.put(…)`.
const STORE_CLIENTS: &[&str] = &["bucket.client"];

fn calls() -> Calls {
    toml::from_str(&read(&root().join("docs/aws-calls.toml"))).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The program's own files, without comments: what is said about a call is none.
fn sources() -> Vec<String> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let code = |text: String| -> String {
        text.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .fold(String::new(), |all, line| all + line + "\n")
    };
    files.iter().map(|path| code(read(path))).collect()
}

/// The folders of the AWS SDK's crates, by their names in the program.
fn sdk_folders() -> BTreeMap<String, PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .filter_map(|package| {
            let name = package["name"].as_str()?.replace('-', "_");
            let folder = Path::new(package["manifest_path"].as_str()?).parent()?.to_owned();
            name.starts_with("aws_sdk_").then_some((name, folder))
        })
        .collect()
}

/// What a client of this SDK can do: a file for each operation.
fn operations(folder: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder.join("src/client")).unwrap();
    let names = files.filter_map(|file| file.unwrap().path().file_stem()?.to_str().map(str::to_owned));
    let operations: BTreeSet<String> = names.filter(|name| name != "customize").collect();
    assert!(!operations.is_empty(), "{}: no operations", folder.display());
    operations
}

/// Which of `methods` a text calls.
fn called<'a>(text: &str, methods: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    methods.filter(|method| text.contains(&format!(".{method}("))).cloned().collect()
}

/// What differs between what is called and what is listed.
fn differences(what: &str, called: &BTreeSet<String>, listed: &BTreeSet<String>) -> Vec<String> {
    let unlisted = called.difference(listed).map(|call| format!("{what}: {call} is called and not listed"));
    let stale = listed.difference(called).map(|call| format!("{what}: {call} is listed and not called"));
    unlisted.chain(stale).collect()
}

#[test]
fn calls_of_the_sdks_are_listed() {
    let (sources, listed) = (sources(), calls().sdk);
    let mut faults = Vec::new();
    for (name, folder) in sdk_folders() {
        let users: Vec<&String> = sources.iter().filter(|text| text.contains(&name)).collect();
        // A dependency that nothing uses calls nothing.
        if users.is_empty() {
            continue;
        }
        let all = operations(&folder);
        let calls: BTreeSet<String> = users.iter().flat_map(|text| called(text, all.iter())).collect();
        let entry = listed.iter().find(|sdk| sdk.name == name);
        let operations = entry.map(|sdk| sdk.operations.keys().cloned().collect()).unwrap_or_default();
        faults.extend(differences(&name, &calls, &operations));
    }
    assert!(faults.is_empty(), "help docs/aws-calls.toml:\n{}", faults.join("\n"));
}

#[test]
fn calls_of_the_store_are_listed() {
    let methods: Vec<String> = STORE_METHODS.iter().map(|method| (*method).to_owned()).collect();
    let on_clients = |text: &String| -> BTreeSet<String> {
        STORE_CLIENTS
            .iter()
            .flat_map(|client| {
                methods.iter().filter(move |method| text.contains(&format!("{client}.{method}(")))
            })
            .cloned()
            .collect()
    };
    let calls_made: BTreeSet<String> = sources().iter().flat_map(on_clients).collect();
    let listed = calls().store.into_iter().map(|call| call.method).collect();
    let faults = differences("object_store", &calls_made, &listed);
    assert!(faults.is_empty(), "help docs/aws-calls.toml:\n{}", faults.join("\n"));
}

#[test]
fn an_unlisted_call_and_a_stale_entry_are_found() {
    let operations: BTreeSet<String> = ["send_message", "purge_queue"].map(str::to_owned).into();
    let calls = called("client.purge_queue().send().await", operations.iter());
    assert_eq!(
        differences("sqs", &calls, &["send_message".to_owned()].into()),
        ["sqs: purge_queue is called and not listed", "sqs: send_message is listed and not called"]
    );
}

/// The metrics of ours that a text of the module names: of alarms, of queries, of widgets; and what else it says
/// of our namespace that is none of these.
fn own_metrics(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let namespace = csl_stream::metrics::emf::NAMESPACE;
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .fold(String::new(), |all, line| all + line + "\n");
    let forms = [
        // "csl-stream FullRows SampleCount"
        format!(r#""{namespace} (?<name>\w+) \w+""#),
        // namespace = "csl-stream", metric_name = "FullRows"
        format!(r#"namespace\s*=\s*"{namespace}"\s*metric_name\s*=\s*"(?<name>\w+)""#),
        // SELECT SUM(LoadsFailed) FROM SCHEMA("csl-stream", Table)
        format!(r#"\w+\((?<name>\w+)\) FROM SCHEMA\(\\"{namespace}\\", Table\)"#),
        // for metric in ["FullRows"] : … {csl-stream,Table} MetricName="${metric}"
        format!(
            r#"in \[(?<list>[^\]]+)\] :\s*\[\{{ expression = "[^\n]*\{{{namespace},Table\}} MetricName=\\"\$\{{metric\}}\\""#
        ),
    ];
    let (mut names, mut rest) = (BTreeSet::new(), code.clone());
    for form in forms {
        let form = regex::Regex::new(&form).unwrap();
        for found in form.captures_iter(&code) {
            let list = found.name("list").or_else(|| found.name("name")).unwrap().as_str();
            names.extend(list.split(',').map(|name| name.trim().trim_matches('"').to_owned()));
            rest = rest.replace(&found[0], "");
        }
    }
    let unread =
        rest.lines().filter(|line| line.contains(&format!("\"{namespace}")) || line.contains(",Table}"));
    (names, unread.map(|line| line.trim().to_owned()).collect())
}

#[test]
fn alarms_and_widgets_use_metrics_that_there_are() {
    let known: BTreeSet<String> =
        csl_stream::metrics::emf::METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    let mut shown = BTreeSet::new();
    for (file, at_least) in [("alarms.tf", 4), ("dashboard.tf", 9)] {
        let (names, unread) = own_metrics(&read(&root().join("terraform").join(file)));
        assert!(unread.is_empty(), "{file} names our metrics in a form that is not looked at:\n{unread:#?}");
        let unknown: Vec<_> = names.difference(&known).collect();
        assert!(unknown.is_empty(), "{file}: no load measures {unknown:?}");
        assert!(names.len() >= at_least, "{file}: {names:?}");
        shown.extend(names);
    }
    assert_eq!(shown, known, "each metric is on the dashboard");
}

#[test]
fn a_metric_that_nothing_measures_is_found() {
    for (text, expected, is_read) in [
        (r#"metric = "csl-stream Gone Sum""#, "Gone", true),
        ("namespace   = \"csl-stream\"\n      metric_name = \"Gone\"", "Gone", true),
        (r#"expression = "SELECT SUM(Gone) FROM SCHEMA(\"csl-stream\", Table)""#, "Gone", true),
        (
            "for metric in [\"Rows\", \"Gone\"] :\n [{ expression = \"SEARCH('{csl-stream,Table} MetricName=\\\"${metric}\\\"', 'Sum', 300)\"",
            "Gone",
            true,
        ),
        (r#"metrics = [["csl-stream", "Gone"]]"#, "", false),
        (r#"# "csl-stream Gone Sum""#, "", true),
    ] {
        let (names, unread) = own_metrics(text);
        assert_eq!(
            (names.contains("Gone"), unread.is_empty()),
            (!expected.is_empty(), is_read),
            "{text}: {names:?} {unread:?}"
        );
    }
}
