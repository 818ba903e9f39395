use super::*;
use crate::store::ExportKind;

fn read_at(path: &str, text: &str) -> Result<Config> {
    let mut layers = Layers::default();
    layers.read_toml(Path::new(path), text)?;
    Config::of(layers)
}

fn read(text: &str) -> Result<Config> {
    read_at("c.toml", text)
}

fn with_variable(name: &str, value: &str) -> Result<Config> {
    let mut layers = Layers::default();
    layers.read_environment([(name.into(), value.into())].into_iter())?;
    Config::of(layers)
}

#[test]
fn defaults_are_of_their_kind() {
    for key in keys() {
        if let Some(default) = &key.default {
            assert_eq!(key.kind.checked(default.clone()).as_ref(), Some(default), "{}", key.path());
        }
        assert!(!key.about.is_empty() && !key.about.contains('\n'), "{}", key.path());
    }
    let default = |path: &str| keys().iter().find(|key| key.path() == path).unwrap().default_text();
    assert_eq!(default("warehouse.to").as_deref(), Some("./warehouse"));
    assert_eq!(default("warehouse.keep_versions").as_deref(), Some("2"));
    assert_eq!(default("work.kinds").as_deref(), Some("full"));
    assert_eq!(default("work.tables").as_deref(), Some("signatures"));
    assert_eq!(default("exports.root"), None);
}

#[test]
fn a_word_that_may_be_missing_is_a_word() {
    for word in ["AES256", "aws:kms", "aws:kms:dsse"] {
        for config in [with_variable("CSL_STAGING_SSE", word), read(&format!("[staging]\nsse = \"{word}\""))]
        {
            assert_eq!(config.unwrap().staging.sse.map(|sse| sse.word()), Some(word));
        }
    }
    let error = with_variable("CSL_STAGING_SSE", "aes").unwrap_err().to_string();
    assert!(error.contains("one of AES256, aws:kms, aws:kms:dsse"), "{error}");
}

/// The structs, their JSON Schema, the keys and what `csl-stream config` shows are one list.
#[test]
fn every_field_is_a_key_and_every_key_is_a_field() {
    let tree = Config::default().tree();
    let sections = tree.as_object().unwrap();
    let fields = sections.iter().flat_map(|(section, inside)| {
        inside.as_object().unwrap().keys().map(move |name| format!("{section}.{name}"))
    });
    let fields: Vec<String> = fields.collect();
    assert_eq!(keys().iter().map(Key::path).collect::<Vec<_>>(), fields);
    assert_eq!(Config::default().shown().map(|(key, ..)| key.path()).collect::<Vec<_>>(), fields);
}

#[test]
fn relative_paths_count_from_the_files_folder() {
    let text = "[warehouse]\nto = \"w\"\n[queue]\npath = \"./q.db\"\n[schema]\nsource = \"https://h/s\"\n\
                [exports]\nroot = \"/abs\"\n[webhook]\nsecret_file = \"s\"";
    for (file, to, queue, secret) in
        [("c.toml", "w", "./q.db", "s"), ("/etc/csl/c.toml", "/etc/csl/w", "/etc/csl/./q.db", "/etc/csl/s")]
    {
        let config = read_at(file, text).unwrap();
        assert_eq!((config.warehouse.to.0.as_str(), config.queue.path.as_str()), (to, queue), "{file}");
        assert_eq!(config.webhook.secret_file.as_deref(), Some(secret), "{file}");
        assert_eq!(config.schema.source.as_deref(), Some("https://h/s"));
        assert_eq!(config.exports.root.as_deref(), Some("/abs"));
    }
    let config = read_at("/etc/c.toml", "[warehouse]\nto = \"redshift\"").unwrap();
    assert!(config.warehouse.to.is_redshift());
    assert_eq!(with_variable("CSL_WAREHOUSE_TO", "w").unwrap().warehouse.to.0, "w");
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
    assert_eq!(config.work.tables.named(), None);
    assert_eq!(config.webhook.secrets, ["one", "two"]);
    assert_eq!(config.load.max_rejects, 7);
    assert_eq!(config.work.kinds, [ExportKind::Full]);
    assert_eq!(config.origin("exports.root").to_string(), "c.toml:3");
    config.check().unwrap();
}

#[test]
fn faults_name_the_place_and_what_helps() {
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
            "[load]\nshrink_max_percent = 101",
            "load.shrink_max_percent must be a whole number from 0 to 100 (at c.toml:2)",
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
    let mut layers = Layers::default();
    layers.read_toml(Path::new("c.toml"), "[load]\nmax_rejects = 1\noverlong = \"reject\"").unwrap();
    layers.read_environment([("CSL_LOAD_MAX_REJECTS".into(), "3".into())].into_iter()).unwrap();
    let mut config = Config::of(layers).unwrap();
    assert_eq!((config.load.max_rejects, config.load.overlong), (3, crate::pipeline::Overlong::Reject));
    assert_eq!(config.origin("load.max_rejects").to_string(), "environment CSL_LOAD_MAX_REJECTS");
    assert_eq!(config.origin("load.overlong").to_string(), "c.toml:3");
    flag!(config.load.max_rejects, "--max-rejects", Some(5u64));
    flag!(config.load.empty_strings, "--empty-strings", None::<crate::pipeline::EmptyStrings>);
    assert_eq!(config.load.max_rejects, 5);
    assert_eq!(config.origin("load.max_rejects").to_string(), "flag --max-rejects");
    assert_eq!(config.origin("load.empty_strings"), &Origin::Default);
}

#[test]
fn variables_are_checked() {
    let tables = |text| with_variable("CSL_WORK_TABLES", text).unwrap().work.tables.clone();
    assert_eq!(tables("a, b").named().unwrap(), ["a", "b"]);
    assert_eq!(tables("all").named(), None);
    assert!(with_variable("CSL_LOG_FORMAT", "json").is_ok());
    assert!(with_variable("CSL_ANYTHING", "1").is_ok());
    let error = with_variable("CSL_LOAD_MAX_REJECT", "1").unwrap_err();
    assert_eq!(error.detail().unwrap().help, "did you mean CSL_LOAD_MAX_REJECTS?");
    assert!(with_variable("CSL_LOAD_MAX_REJECTS", "many").is_err());
    assert!(with_variable("CSL_WAREHOUSE_KEEP_VERSIONS", "0").is_err());
    assert!(with_variable("CSL_WAREHOUSE_KEEP_VERSIONS", "1").is_ok());
    // Set to nothing, as Docker Compose writes an unset one.
    assert_eq!(with_variable("CSL_EXPORTS_ROOT", "").unwrap().exports.root, None);
    assert_eq!(with_variable("CSL_LOAD_MAX_REJECTS", "").unwrap().load.max_rejects, 0);
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
    let shown: Vec<_> = config.shown().map(|(_, value, _)| value.to_string()).collect();
    let shown = shown.join("\n");
    assert!(shown.contains("[\"********\"]"), "{shown}");
    assert!(shown.contains("https://********@h/x?…"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("token"), "{shown}");
}

/// The order of rules is that of the file, and of the environment.
#[test]
fn pairs_keep_their_order() {
    let text = "[privacy.columns]\n\"z.z\" = \"keep\"\n\"a.a\" = \"drop\"\n\"m.*\" = \"prefix:3\"\n";
    for config in [
        read(text).unwrap(),
        with_variable("CSL_PRIVACY_COLUMNS", "z.z=keep, a.a = drop,m.*=prefix:3").unwrap(),
    ] {
        let rules: Vec<_> =
            config.privacy.columns.iter().map(|(glob, rule)| (glob.as_str(), rule.as_str())).collect();
        assert_eq!(rules, [("z.z", "keep"), ("a.a", "drop"), ("m.*", "prefix:3")]);
        config.check().unwrap();
    }
    for wrong in ["z.z", "z.z=", "=keep", "a.a=drop,a.a=keep"] {
        let error = with_variable("CSL_PRIVACY_COLUMNS", wrong).unwrap_err().to_string();
        assert!(error.contains("texts under names"), "{wrong}: {error}");
    }
    for wrong in [
        "columns = 7",
        "columns = [\"a\"]",
        "[privacy.columns]\n\"a.b\" = 7",
        "columns = { a = { b = \"null\" } }",
    ] {
        assert!(read(&format!("[privacy]\n{wrong}").replace("[privacy]\n[", "[")).is_err(), "{wrong}");
    }
    assert!(read("[privacy.columns]\n\"a.b\" = \"md5\"").unwrap().check().is_err());
    let shown = read(text).unwrap();
    let shown = shown.shown().find(|(key, ..)| key.path() == "privacy.columns").unwrap().1;
    assert_eq!(shown.to_string(), r#"{"z.z":"keep","a.a":"drop","m.*":"prefix:3"}"#);
}
