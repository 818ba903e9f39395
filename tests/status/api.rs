//! The OpenAPI document and the answers: each is as it says, and has nothing that it does not say.

use crate::night::Night;
use crate::server::Server;
use serde_json::{Value, json};

/// The schema with nothing allowed that it does not name.
fn closed(value: &mut Value) {
    if let Value::Object(fields) = value {
        let has_properties = fields.contains_key("properties");
        fields.values_mut().for_each(closed);
        if has_properties {
            fields.insert("additionalProperties".to_owned(), json!(false));
        }
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(closed);
    }
}

/// What validates the answer of a status to a GET.
fn validator(document: &Value, path: &str, status: &str) -> jsonschema::Validator {
    let response =
        &document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"];
    assert!(response.is_object(), "{path} {status}");
    let mut schema = response.clone();
    schema["components"] = document["components"].clone();
    closed(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn faults(validator: &jsonschema::Validator, answer: &Value) -> Vec<String> {
    validator.iter_errors(answer).map(|error| format!("{} {error}", error.instance_path())).collect()
}

#[test]
fn answers_are_as_the_document_says() {
    let night = Night::played();
    let server = Server::start(night.dir(), &[]);
    let document = server.json("/api/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    let id = night.loads()[0]["load_id"].as_str().unwrap().to_owned();
    let load = format!("/api/loads/{id}");
    let report = format!("{load}/report");
    let mut seen = 0;
    for (path, asked, status) in [
        ("/api/overview", "/api/overview", 200),
        ("/api/tables/{table}", "/api/tables/table_03", 200),
        ("/api/tables/{table}", "/api/tables/none", 404),
        ("/api/loads", "/api/loads?limit=1000", 200),
        ("/api/loads", "/api/loads?table=table_05&from=1", 200),
        ("/api/loads/{id}", &load, 200),
        ("/api/loads/{id}", "/api/loads/none", 404),
        ("/api/loads/{id}/report", &report, 200),
        ("/api/queue", "/api/queue", 200),
        ("/api/settings", "/api/settings", 200),
    ] {
        let answer = server.get(asked);
        assert_eq!(answer.status, status, "{answer:#?}");
        let validator = validator(&document, path, &status.to_string());
        let mut answer = answer.json();
        assert_eq!(faults(&validator, &answer), Vec::<String>::new(), "{asked}");
        seen += 1;
        if path.ends_with("/report") {
            continue;
        }
        // The check is one: what the document does not name is a fault, and so is what is missing.
        answer["more"] = json!(1);
        assert!(!faults(&validator, &answer).is_empty(), "{asked}");
        let first = answer.as_object().unwrap().keys().next().unwrap().clone();
        answer.as_object_mut().unwrap().remove("more");
        answer.as_object_mut().unwrap().remove(&first);
        assert!(!faults(&validator, &answer).is_empty(), "{asked}: {first}");
    }
    assert_eq!(seen, 10);
    let list = server.json("/api/loads?table=table_05&from=1");
    assert_eq!(list["loads"].as_array().unwrap().len(), 1);
    // Every GET of the API is in the document, and every path of the document answers.
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 8, "{:?}", paths.keys());
}
