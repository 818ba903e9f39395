//! The pages, each made of its model.

use super::answers::html;
use super::auth::Visitor;
use super::site::{Shared, Site};
use crate::status::html::{
    LoadHtml, Login, Message, OverviewHtml, QueueHtml, SettingsHtml, Shell, TableHtml, rendered,
};
use crate::status::overview::Overview;
use crate::status::queue::QueuePage;
use crate::status::settings::SettingsPage;
use crate::status::sources::Silence;
use crate::status::table::TablePage;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;

pub(super) async fn overview(State(site): Shared, Extension(visitor): Extension<Visitor>) -> Response {
    let state = site.sources.state();
    let page = Overview::of(&site.sources.facts().await);
    let shell = site.shell("overview", &visitor, state);
    let shell = Shell { refresh: !page.running.is_empty(), ..shell };
    html(StatusCode::OK, rendered(&OverviewHtml::of(shell, &page)))
}

/// A table's model, or why there is none.
pub(super) async fn table_page(site: &Site, table: &str, from: usize) -> Result<TablePage, Option<Silence>> {
    let facts = site.sources.facts().await;
    let (profiles, versions, silence) = match facts.known.value.as_deref() {
        Some(known) if known.tables.iter().any(|held| held.table == table) => {
            site.sources.table(table, &facts.known).await
        }
        _ => Default::default(),
    };
    let page = TablePage::of(&facts, table, &profiles, &versions, from);
    let mut page = page.ok_or_else(|| facts.known.silence.clone())?;
    page.silent.extend(silence);
    Ok(page)
}

pub(super) async fn table(
    State(site): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(table): Path<String>,
    uri: Uri,
) -> Response {
    let state = site.sources.state();
    match table_page(&site, &table, from(&uri)).await {
        Ok(page) => {
            let shell = site.shell("table", &visitor, state);
            let shell = Shell { refresh: page.line.state.word == "loading", ..shell };
            html(StatusCode::OK, rendered(&TableHtml::of(shell, &page)))
        }
        Err(silence) => missing(&site, &visitor, "No such table", "no load of it is known", silence),
    }
}

pub(super) async fn load(
    State(site): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let state = site.sources.state();
    let (page, told) = site.sources.load(&id).await;
    let Some(page) = page else {
        return missing(&site, &visitor, "No such load", "the ledger does not know it", told.silence);
    };
    let silent = told.silence.into_iter().collect();
    let page = LoadHtml { shell: site.shell("load", &visitor, state), page: &page, silent };
    html(StatusCode::OK, rendered(&page))
}

pub(super) async fn queue(State(site): Shared, Extension(visitor): Extension<Visitor>, uri: Uri) -> Response {
    let state = site.sources.state();
    let page = QueuePage::of(&site.sources.facts().await, from(&uri));
    let shell = Shell { refresh: page.taken > 0, ..site.shell("queue", &visitor, state) };
    html(StatusCode::OK, rendered(&QueueHtml { shell, page: &page }))
}

pub(super) async fn settings(State(site): Shared, Extension(visitor): Extension<Visitor>) -> Response {
    let state = site.sources.state();
    let page = SettingsPage::of(&site.sources.config, &site.sources.checks());
    let shell = Shell { refresh: page.checks.is_under_way, ..site.shell("settings", &visitor, state) };
    html(StatusCode::OK, rendered(&SettingsHtml { shell, page: &page }))
}

pub(super) async fn login() -> Response {
    login_page(StatusCode::OK, false)
}

pub(super) fn login_page(status: StatusCode, wrong: bool) -> Response {
    html(status, rendered(&Login { shell: Shell { page: "login", ..Shell::default() }, wrong }))
}

pub(super) async fn nothing(State(site): Shared, visitor: Option<Extension<Visitor>>) -> Response {
    let shell =
        visitor.map(|visitor| site.shell("other", &visitor, site.sources.state())).unwrap_or_default();
    let page = Message { shell, title: "Not here", text: "There is no such page." };
    html(StatusCode::NOT_FOUND, rendered(&page))
}

/// A page that says why somebody may not.
pub(super) fn refused(status: StatusCode, why: &str) -> Response {
    html(
        status,
        rendered(&Message {
            shell: Shell { page: "login", ..Shell::default() },
            title: "Refused",
            text: why,
        }),
    )
}

/// What is not there, or whose source does not answer.
fn missing(site: &Site, visitor: &Visitor, title: &str, text: &str, silence: Option<Silence>) -> Response {
    let shell = site.shell("other", visitor, site.sources.state());
    let (status, text) = match silence {
        Some(Silence { source, why, .. }) => (StatusCode::SERVICE_UNAVAILABLE, format!("{source}: {why}")),
        None => (StatusCode::NOT_FOUND, text.to_owned()),
    };
    html(status, rendered(&Message { shell, title, text: &text }))
}

/// Where a list begins.
pub(super) fn from(uri: &Uri) -> usize {
    pairs(uri.query().unwrap_or_default())
        .into_iter()
        .find(|(name, _)| name == "from")
        .and_then(|(_, from)| from.parse().ok())
        .unwrap_or(0)
}

/// Names and values of a query, or of a form.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://form/?{text}"));
    url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}
