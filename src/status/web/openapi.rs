//! What the API answers, as OpenAPI 3.1: <https://spec.openapis.org/oas/v3.1.0>. The shapes are those of the structs
//! that are written, so they cannot be others.

use super::shapes::{Fault, LoadList, RedriveRequest, Redriven};
use crate::status::LoadPage;
use crate::status::overview::Overview;
use crate::status::queue::QueuePage;
use crate::status::settings::SettingsPage;
use crate::status::table::TablePage;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The document.
pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut shapes = settings.for_serialize().into_generator();
    let mut paths = Map::new();
    let from = parameter("query", "from", "integer", "Which the list begins with, from 0, newest first");
    let mut get = |path: &str, about: &str, parameters: Vec<Value>, shape: Schema, fault: Schema| {
        let responses = json!({
            "200": content("What was found", &shape),
            "401": { "description": "No token, or a wrong one" },
            "404": content("There is none", &fault),
            "503": content("A source does not answer", &fault),
        });
        let operation = json!({ "summary": about, "parameters": parameters, "responses": responses });
        paths.insert(path.to_owned(), json!({ "get": operation }));
    };
    let fault = of::<Fault>(&mut shapes);
    let id = || parameter("path", "id", "string", "The load");
    let table = |place| parameter(place, "table", "string", "The table");
    let limit = parameter("query", "limit", "integer", "At most so many: 100, and 1,000 at most");
    get(
        "/api/overview",
        "What needs a person, and every table",
        vec![],
        of::<Overview>(&mut shapes),
        fault.clone(),
    );
    get(
        "/api/tables/{table}",
        "One table",
        vec![table("path"), from.clone()],
        of::<TablePage>(&mut shapes),
        fault.clone(),
    );
    get(
        "/api/loads",
        "Loads",
        vec![table("query"), from.clone(), limit],
        of::<LoadList>(&mut shapes),
        fault.clone(),
    );
    get("/api/loads/{id}", "One load", vec![id()], of::<LoadPage>(&mut shapes), fault.clone());
    let report =
        Schema::try_from(json!({ "type": "object", "description": "The run report, without values" }));
    get("/api/loads/{id}/report", "Its run report", vec![id()], report.unwrap_or_default(), fault.clone());
    get(
        "/api/queue",
        "The queue and its dead letters",
        vec![from],
        of::<QueuePage>(&mut shapes),
        fault.clone(),
    );
    get("/api/settings", "Settings and checks", vec![], of::<SettingsPage>(&mut shapes), fault.clone());
    paths.insert("/api/queue/redrive".to_owned(), redrive(&mut shapes, &fault));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "csl-stream status",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The status pages as JSON. With status.token_file each request needs the token.",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": shapes.take_definitions(true),
        },
    })
}

fn of<T: JsonSchema>(shapes: &mut SchemaGenerator) -> Schema {
    shapes.subschema_for::<T>()
}

fn content(about: &str, shape: &Schema) -> Value {
    json!({ "description": about, "content": { "application/json": { "schema": shape } } })
}

fn parameter(place: &str, name: &str, kind: &str, about: &str) -> Value {
    json!({ "in": place, "name": name, "required": place == "path", "schema": { "type": kind }, "description": about })
}

fn redrive(shapes: &mut SchemaGenerator, fault: &Schema) -> Value {
    let (request, done) = (of::<RedriveRequest>(shapes), of::<Redriven>(shapes));
    json!({ "post": {
        "summary": "Puts dead letters back into the queue; status.token_file must be set",
        "requestBody": { "required": true, "content": { "application/json": { "schema": request } } },
        "responses": {
            "200": content("Those that went", &done),
            "400": content("None was named", fault),
            "403": { "description": "No token, or a wrong one" },
            "503": content("The queue does not answer", fault),
        },
    } })
}
