//! The pages as JSON, for programs; `openapi` describes it.

use super::act::bytes;
use super::answers::json;
use super::auth::Visitor;
use super::openapi::document;
use super::pages::{from, pairs, table_page};
use super::shapes::{Fault, LoadList, RedriveRequest, Redriven};
use super::site::Shared;
use crate::ops::state::Brief;
use crate::status::load::without_values;
use crate::status::overview::{Overview, RunLine};
use crate::status::queue::QueuePage;
use crate::status::settings::SettingsPage;
use crate::status::sources::Silence;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// Loads that one answer has, at most.
const LOADS_MAX: usize = 1000;
/// And if nobody says how many.
const LOADS: usize = 100;

pub(super) async fn overview(State(site): Shared) -> Response {
    json(StatusCode::OK, &Overview::of(&site.sources.facts().await))
}

pub(super) async fn table(State(site): Shared, Path(table): Path<String>, uri: Uri) -> Response {
    match table_page(&site, &table, from(&uri)).await {
        Ok(page) => json(StatusCode::OK, &page),
        Err(silence) => fault("no such table", silence),
    }
}

pub(super) async fn loads(State(site): Shared, uri: Uri) -> Response {
    let query = pairs(uri.query().unwrap_or_default());
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let most = value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(LOADS).min(LOADS_MAX);
    let table = value("table");
    let known = site.sources.known().await;
    let runs = known.value.as_deref().map_or(&[][..], |known| &known.runs);
    let meant = |brief: &&Brief| table.is_none_or(|table| brief.run.table == table);
    let loads = runs.iter().filter(meant).skip(from(&uri)).take(most).map(RunLine::of).collect();
    json(StatusCode::OK, &LoadList { loads, silent: known.silence.into_iter().collect() })
}

pub(super) async fn load(State(site): Shared, Path(id): Path<String>) -> Response {
    let (page, told) = site.sources.load(&id).await;
    page.map_or_else(|| fault("no such load", told.silence), |page| json(StatusCode::OK, &page))
}

/// The report as the run wrote it, without values.
pub(super) async fn report(State(site): Shared, Path(id): Path<String>) -> Response {
    let (_, told) = site.sources.load(&id).await;
    let report = told.value.as_deref().and_then(Option::as_ref).and_then(|shown| shown.report.clone());
    let Some(report) = report else { return fault("no report of this load is kept", told.silence) };
    let mut answer = json(StatusCode::OK, &without_values(report));
    let name = id.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-');
    let name = format!("attachment; filename=\"{}.json\"", name.collect::<String>());
    if let Ok(name) = name.parse() {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    answer
}

pub(super) async fn queue(State(site): Shared, uri: Uri) -> Response {
    json(StatusCode::OK, &QueuePage::of(&site.sources.facts().await, from(&uri)))
}

pub(super) async fn settings(State(site): Shared) -> Response {
    json(StatusCode::OK, &SettingsPage::of(&site.sources.config, &site.sources.checks()))
}

pub(super) async fn openapi() -> Response {
    json(StatusCode::OK, &document())
}

/// For programs with the token: a page has no way to send such a request, so no form's token is asked.
pub(super) async fn redrive(
    State(site): Shared,
    visitor: axum::extract::Extension<Visitor>,
    body: Body,
) -> Response {
    if *visitor != Visitor::Bearer {
        return (StatusCode::FORBIDDEN, "send the token: Authorization: Bearer …\n").into_response();
    }
    let request = bytes(body).await.and_then(|bytes| serde_json::from_slice::<RedriveRequest>(&bytes).ok());
    let Some(request) = request.filter(|request| !request.ids.is_empty()) else {
        return json(
            StatusCode::BAD_REQUEST,
            &Fault { error: "name the dead letters: {\"ids\": [\"…\"]}".to_owned() },
        );
    };
    match site.sources.redrive(request.ids).await {
        Ok(ids) => json(StatusCode::OK, &Redriven { ids }),
        Err(error) => json(StatusCode::SERVICE_UNAVAILABLE, &Fault { error: error.to_string() }),
    }
}

fn fault(what: &str, silence: Option<Silence>) -> Response {
    match silence {
        Some(Silence { source, why, .. }) => {
            json(StatusCode::SERVICE_UNAVAILABLE, &Fault { error: format!("{source}: {why}") })
        }
        None => json(StatusCode::NOT_FOUND, &Fault { error: what.to_owned() }),
    }
}
