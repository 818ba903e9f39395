use super::*;

fn read(text: &str) -> Result<Config> {
    let mut config = Config::defaults();
    config.read_toml(Path::new("c.toml"), text)?;
    Ok(config)
}

fn with_variable(name: &str, value: &str) -> Result<Config> {
    let mut config = Config::defaults();
    config.read_environment([(name.into(), value.into())].into_iter())?;
    Ok(config)
}

#[test]
fn defaults_are_of_their_kind() {
    let config = Config::defaults();
    assert_eq!(config.text("warehouse.to"), Some("./warehouse"));
    assert_eq!(config.number("warehouse.keep_versions"), Some(2));
    assert_eq!(config.number("load.max_rejects"), Some(0));
    assert_eq!(config.list("work.kinds"), ["full"]);
    assert_eq!(config.text("exports.root"), None);
    for key in KEYS {
        index_of(&key.path());
    }
}

#[test]
fn everything_the_contract_shows_is_accepted() {
    let text = r#"
[exports]   
root = "s3://agra-data-exports-production/my-org"
[schema]    
source = "https://action.example.org/api/bulk_data/schema.json"
[warehouse]
to = "redshift"
keep_versions = 3
[redshift]
workgroup = "w"
database = "agra_replica"
schema = "public"
secret_arn = "arn"
iam_role = "default"
[staging]
url = "s3://my-staging/csl-stream"
[manifest]
url = "s3://my-manifests"
prefix = "manifests"
failed_prefix = "failed"
[notify]
success_topic_arn = "a"
failure_topic_arn = "b"
[dynamodb]
batches_table = "LambdaRedshiftBatches"
processed_files_table = "LambdaRedshiftProcessedFiles"
[glue]
job_name = "signatures"
wait_minutes = 0
database = "agra"
[webhook]
listen = "127.0.0.1:8080"
secrets = ["one", "two"]
[queue]
url = "https://sqs.example.org/q"
[work]
tables = "all"
kinds = ["full"]
[load]
max_rejects = 7
overlong = "reject"
empty_strings = "null"
"#;
    let config = read(text).unwrap();
    assert_eq!(config.text("work.tables"), Some("all"));
    assert_eq!(config.list("webhook.secrets"), ["one", "two"]);
    assert_eq!(config.number("load.max_rejects"), Some(7));
    assert_eq!(config.origin("exports.root").to_string(), "c.toml:3");
    config.check().unwrap();
}

#[test]
fn faults_name_the_place_and_the_mend() {
    let table: &[(&str, &str, &str)] = &[
        ("[load]\nmax_reject = 1", "unknown key load.max_reject (at c.toml:2)", "did you mean max_rejects?"),
        ("\n[laod]", "unknown section [laod] (at c.toml:2)", "did you mean load?"),
        ("[load]\ncolour = 1", "unknown key load.colour (at c.toml:2)", "`csl-stream config` lists all keys"),
        ("load = 1", "load is a section: write [load] (at c.toml:1)", ""),
        (
            "[load]\nmax_rejects = -1",
            "load.max_rejects must be a whole number (at c.toml:2)",
            "correct the value",
        ),
        (
            "[load]\nmax_rejects = \"1\"",
            "load.max_rejects must be a whole number (at c.toml:2)",
            "correct the value",
        ),
        (
            "[warehouse]\nkeep_versions = 0",
            "warehouse.keep_versions must be a whole number from 1 (at c.toml:2)",
            "correct the value",
        ),
        (
            "[load]\noverlong = \"cut\"",
            "load.overlong must be one of truncate, reject (at c.toml:2)",
            "correct the value",
        ),
        (
            "[work]\nkinds = [\"ful\"]",
            "work.kinds must be a list of full, incremental (at c.toml:2)",
            "correct the value",
        ),
        (
            "[exports]\nroot = \"\"",
            "exports.root must be a text in quotes that is not empty (at c.toml:2)",
            "correct the value",
        ),
        (
            "[webhook]\nlisten = \"8080\"",
            "webhook.listen must be an address and a port, like 127.0.0.1:8080 (at c.toml:2)",
            "correct the value",
        ),
    ];
    for (text, what, help) in table {
        let error = read(text).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit_code()), (*what, 2), "{text}");
        assert_eq!(error.detail().unwrap().help, *help, "{text}");
    }
    let error = read("[load]\nmax_rejects = 1\nx = =").unwrap_err().to_string();
    assert!(error.contains("(at c.toml:3)"), "{error}");
}

#[test]
fn environment_and_flags_win() {
    let mut config = read("[load]\nmax_rejects = 1").unwrap();
    assert_eq!(config.origin("load.max_rejects").to_string(), "c.toml:2");
    config.read_environment([("CSL_LOAD_MAX_REJECTS".into(), "3".into())].into_iter()).unwrap();
    assert_eq!(config.number("load.max_rejects"), Some(3));
    assert_eq!(config.origin("load.max_rejects").to_string(), "environment CSL_LOAD_MAX_REJECTS");
    config.set_flag("load.max_rejects", "--max-rejects", Some(Value::Number(5)));
    config.set_flag("load.overlong", "--overlong", None);
    assert_eq!(config.number("load.max_rejects"), Some(5));
    assert_eq!(config.origin("load.max_rejects").to_string(), "flag --max-rejects");
    assert_eq!(config.origin("load.overlong"), &Origin::Default);
}

#[test]
fn variables_are_checked() {
    assert_eq!(with_variable("CSL_WORK_TABLES", "a, b").unwrap().list("work.tables"), ["a", "b"]);
    assert_eq!(with_variable("CSL_WORK_TABLES", "all").unwrap().text("work.tables"), Some("all"));
    assert!(with_variable("CSL_LOG_FORMAT", "json").is_ok());
    assert!(with_variable("CSL_ANYTHING", "1").is_ok());
    let error = with_variable("CSL_LOAD_MAX_REJECT", "1").unwrap_err();
    assert_eq!(error.detail().unwrap().help, "did you mean CSL_LOAD_MAX_REJECTS?");
    assert!(with_variable("CSL_LOAD_MAX_REJECTS", "many").is_err());
    assert!(with_variable("CSL_WAREHOUSE_KEEP_VERSIONS", "0").is_err());
    assert!(with_variable("CSL_WAREHOUSE_KEEP_VERSIONS", "1").is_ok());
    assert!(with_variable("CSL_EXPORTS_ROOT", "").is_err());
}

#[test]
fn keys_that_exclude_each_other_are_refused() {
    let error = read("[redshift]\ncluster = \"a\"\nworkgroup = \"b\"").unwrap().check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "redshift.cluster (c.toml:2) and redshift.workgroup (c.toml:3) exclude each other"
    );
}

#[test]
fn nothing_secret_is_shown() {
    let config =
        read("[webhook]\nsecrets = [\"hush\"]\n[schema]\nsource = \"https://u:p@h/x?token=t\"").unwrap();
    let shown: Vec<_> = config.shown().filter_map(|(_, value, _)| value).map(|v| v.to_string()).collect();
    let shown = shown.join("\n");
    assert!(shown.contains("[\"********\"]"), "{shown}");
    assert!(shown.contains("https://********@h/x?…"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("token"), "{shown}");
}
