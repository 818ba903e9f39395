//! ControlShift as a whole: tables in PostgreSQL, their exports in S3, orders in the queue, `work`.

use crate::cells::{Cells, Kind, read_parquet};
use crate::postgres::{Database, server};
use crate::receiver::{PROCESSED, Receiver, SECRET, webhook};
use crate::truth::read_truth;
use crate::webhook_http::post;
use crate::world::{LONG, World, signal, until};
use csl_stream::queue::LoadOrder;
use csl_stream::store::ExportKind;
use csl_stream::webhook::signature::HEADER;
use serde_json::Value;
use std::process::Stdio;

const TABLES: &[&str] = &["petitions", "signatures", "members", "events", "blast_emails"];
/// Rows when the full export is made, and after each incremental.
const ROWS: &[(&str, i64)] =
    &[("20260301031500", 3000), ("20260301031600", 3010), ("20260301031700", 3500), ("20260301031800", 3501)];

/// Five tables whose values PostgreSQL makes: quotes, newlines, NULL beside the empty text.
fn originals(database: &Database<'_>) -> Value {
    let mut tables = Vec::new();
    for (seed, table) in TABLES.iter().enumerate() {
        database.run(&format!(
            "CREATE TABLE {table} (id bigint NOT NULL, email character varying(255), created_at timestamp(6), \
             score numeric(5,2), params jsonb, active boolean, slug uuid, tags hstore, note text);
             INSERT INTO {table} SELECT n, CASE n % 7 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'ä' || n || '@x.org' END,
             timestamp '2026-01-05 12:34:56.789' + n * interval '61.25 seconds', (n % 999) / 100.0 - {seed},
             jsonb_build_object('n', n, 'quote', '\"'), n % 3 = 0, md5(n::text || '{seed}')::uuid,
             hstore('k', n::text), CASE n % 5 WHEN 0 THEN NULL ELSE E'line\\n\"' || n || E'\",\\r\\nnext' END
             FROM generate_series(1, 3501) n"
        ));
        let text = database.text(&format!("SELECT csl_schema('{table}', '{table}')"));
        let schema: Value = serde_json::from_str(&text).unwrap();
        tables.push(schema["tables"][0].clone());
    }
    serde_json::json!({ "tables": tables })
}

/// Every export of every table, full and incremental, some of them packed.
fn exports(world: &World, database: &Database<'_>) -> Vec<LoadOrder> {
    let mut orders = Vec::new();
    for (number, table) in TABLES.iter().enumerate() {
        let mut from = 0;
        for (step, &(at, to)) in ROWS.iter().enumerate() {
            let path = world.path("export.csv");
            let query = format!("(SELECT * FROM {table} WHERE id > {from} AND id <= {to} ORDER BY id)");
            database.copy_out_to(&query, "UTC", &path);
            let kind = if step == 0 { ExportKind::Full } else { ExportKind::Incremental };
            let csv = std::fs::read(&path).unwrap();
            orders.push(world.export(kind, table, at, &csv, (number + step) % 2 == 0));
            from = to;
        }
    }
    orders
}

/// The same rows in the order of their ids: incremental exports lie in the order in which they came.
fn by_id(names: &[String], columns: Vec<Cells>) -> Vec<Cells> {
    fn moved<T: Clone>(cells: &[T], rows: &[usize]) -> Vec<T> {
        rows.iter().map(|&row| cells[row].clone()).collect()
    }
    let Cells::Int(ids) = &columns[names.iter().position(|name| name == "id").unwrap()] else {
        panic!("ids are numbers");
    };
    let mut rows: Vec<usize> = (0..ids.len()).collect();
    rows.sort_by_key(|&row| ids[row]);
    let sorted = columns.iter().map(|column| match column {
        Cells::Int(cells) => Cells::Int(moved(cells, &rows)),
        Cells::Decimal(cells) => Cells::Decimal(moved(cells, &rows)),
        Cells::Text(cells) => Cells::Text(moved(cells, &rows)),
    });
    sorted.collect()
}

/// The tables of the warehouse hold what PostgreSQL's hold, cell by cell.
fn compare(world: &World, database: &Database<'_>, schema: &Value) {
    for (table, described) in TABLES.iter().zip(schema["tables"].as_array().unwrap()) {
        let columns = described["table"]["columns"].as_object().unwrap();
        let kind = |column: &Value| Kind::of_sql_type(column["sql_type"].as_str().unwrap());
        let kinds: Vec<Kind> = columns.values().map(kind).collect();
        let truth = world.path("truth.tsv");
        // The heap has an order of its own.
        let query = database.text(&format!("SELECT csl_truth('{table}')"));
        std::fs::write(&truth, database.run(&format!("COPY ({query} ORDER BY id) TO STDOUT"))).unwrap();
        let (names, found) = read_parquet(&world.files(table), &kinds);
        let found = by_id(&names, found);
        assert_eq!(names, columns.keys().cloned().collect::<Vec<_>>());
        for ((name, found), expected) in names.iter().zip(&found).zip(&read_truth(&truth, &kinds)) {
            assert_eq!(found.first_difference(expected), None, "{table}.{name} (row, found, PostgreSQL's)");
        }
    }
}

#[test]
fn five_tables_from_the_webhook_to_the_warehouse() {
    let database = server().database("work_queue");
    let schema = originals(&database);
    let world = World::new(&schema.to_string());
    let orders = exports(&world, &database);
    let receiver = Receiver::start(world.command(&["serve", "--listen", "127.0.0.1:0"]));
    let mut worker = world.command(&["work", "--quiet"]);
    let mut worker = worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for order in orders.iter().rev() {
        assert_eq!(receiver.post(&webhook(order)), PROCESSED);
    }
    // Another event, and a forged one.
    let other = receiver.post(r#"{"type":"petition.launched","data":{}}"#);
    assert!(other.starts_with("200 {\"status\":\"skipped\""), "{other}");
    let forged = post(receiver.address, "/webhook", &[(HEADER, "sha256:00")], b"{}");
    assert_eq!(forged.status, 401);
    until("the queue is empty", LONG, || world.messages() == 0);
    signal(&worker, "TERM");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    assert_eq!(world.dead(), []);
    compare(&world, &database, &schema);
}

#[test]
fn five_tables_in_one_taking_each() {
    let database = server().database("work_once");
    let schema = originals(&database);
    let world = World::new(&schema.to_string());
    let orders = exports(&world, &database);
    orders.iter().rev().for_each(|order| world.send(order));
    let answer = world.run(&["work", "--once"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert!(answer.err.contains("20 done (0 obsolete)"), "{answer:#?}");
    assert_eq!((world.messages(), world.dead().len()), (0, 0));
    compare(&world, &database, &schema);
}

#[cfg(feature = "serve")]
#[test]
fn five_tables_through_a_lambda_function() {
    use crate::function::{Function, record, v2};
    use csl_stream::webhook::signature::header_of;
    use serde_json::json;

    let database = server().database("work_lambda");
    let schema = originals(&database);
    let world = World::new(&schema.to_string());
    let orders = exports(&world, &database);
    let aws = crate::sdk::Aws::start();
    let mut command = world.command(&[]);
    let sqs = "https://sqs.us-east-1.amazonaws.com/123456789012";
    let (load, dead) = (format!("{sqs}/load"), format!("{sqs}/dead"));
    command.env("CSL_WEBHOOK_SECRETS", SECRET).env("AWS_ENDPOINT_URL", &aws.endpoint);
    command.env("CSL_QUEUE_URL", &load).env("CSL_QUEUE_DEAD_LETTER_URL", &dead);
    let function = Function::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    for order in orders.iter().rev() {
        let body = webhook(order);
        let (answered, answer) = function.ask(v2(&body, &header_of(SECRET.as_bytes(), body.as_bytes())));
        assert!(answered && answer["statusCode"] == 200, "{answer}");
        assert_eq!(answer["body"], "{\"status\":\"processed\"}");
    }
    let sent = aws.calls("SendMessage");
    assert!(sent.len() == orders.len() && sent.iter().all(|call| call["QueueUrl"] == load), "{sent:#?}");
    let records = sent.iter().enumerate();
    let records: Vec<Value> =
        records.map(|(id, call)| record(&id.to_string(), call["MessageBody"].as_str().unwrap(), 1)).collect();
    // SQS gives ten at the most.
    for batch in records.chunks(10) {
        let failed = function.failed(json!({ "Records": batch }), LONG);
        assert!(failed.is_empty(), "{failed:?}");
    }
    assert_eq!(aws.calls("SendMessage").len(), orders.len(), "no dead letters");
    compare(&world, &database, &schema);
}
