//! The pages as HTML. Templates escape whatever they are given; the compiler checks them against the models.

use super::load::LoadPage;
use crate::error::{Error, Result};
use crate::ops::PAGE_MARK;
#[cfg(feature = "serve")]
use crate::report::words::duration;
use crate::report::words::{count, plural, size};
use askama::Template;

#[cfg(feature = "serve")]
pub(super) use pages::{LoadHtml, Login, Message, OverviewHtml, QueueHtml, SettingsHtml, Shell, TableHtml};

/// The style sheet.
pub(super) const STYLE: &str = include_str!("assets/status.css");

/// A number, or a reference to one: whatever a loop of a template gives.
trait Number {
    fn whole(&self) -> u64;
    #[cfg(feature = "serve")]
    fn seconds(&self) -> f64;
}

impl Number for u64 {
    fn whole(&self) -> u64 {
        *self
    }

    #[cfg(feature = "serve")]
    fn seconds(&self) -> f64 {
        *self as f64
    }
}

#[cfg(feature = "serve")]
impl Number for f64 {
    fn whole(&self) -> u64 {
        *self as u64
    }

    #[cfg(feature = "serve")]
    fn seconds(&self) -> f64 {
        *self
    }
}

impl<T: Number> Number for &T {
    fn whole(&self) -> u64 {
        (**self).whole()
    }

    #[cfg(feature = "serve")]
    fn seconds(&self) -> f64 {
        (**self).seconds()
    }
}

/// How templates write numbers.
trait Words {
    fn n(&self, number: impl Number) -> String {
        count(number.whole())
    }

    fn bytes(&self, number: impl Number) -> String {
        size(number.whole())
    }

    #[cfg(feature = "serve")]
    fn secs(&self, number: impl Number) -> String {
        duration(number.seconds())
    }
}

impl<T: Template> Words for T {}

#[derive(Template)]
#[template(path = "one_page.html")]
struct OnePage<'a> {
    title: String,
    pages: &'a [LoadPage],
    style: &'static str,
    mark: &'static str,
}

/// Loads as one file that refers to nothing: for mails and tickets.
///
/// # Errors
/// [`Error::Machine`] if it cannot be written.
pub fn one_page(pages: &[LoadPage]) -> Result<String> {
    let title = match pages {
        [page] => format!("Load {}", page.load_id),
        pages => plural(pages.len() as u64, "load"),
    };
    rendered(&OnePage { title, pages, style: STYLE, mark: PAGE_MARK })
}

pub(super) fn rendered(template: &impl Template) -> Result<String> {
    template.render().map_err(|cause| Error::machine("the page cannot be written").because(cause))
}

#[cfg(feature = "serve")]
mod pages {
    use super::super::chart::{Chart, Night};
    use super::super::overview::{Overview, Running, TableLine};
    use super::super::queue::QueuePage;
    use super::super::settings::SettingsPage;
    use super::super::sources::Silence;
    use super::super::table::TablePage;
    use super::{LoadPage, Words, count, duration};
    use askama::Template;

    /// What stands around each page.
    #[derive(Debug, Clone, Default)]
    pub(in super::super) struct Shell {
        /// Which page it is.
        pub(in super::super) page: &'static str,
        /// Whether it is loaded anew where there are no scripts.
        pub(in super::super) refresh: bool,
        /// Whether there are pages to go to: not before one has logged in.
        pub(in super::super) has_pages: bool,
        /// What was known before the page was made: scripts renew it when events tell of another state.
        pub(in super::super) state: String,
        /// What forms send with them; without it there are none.
        pub(in super::super) csrf: Option<String>,
    }

    /// A table with its pictures.
    pub(in super::super) struct Line<'a> {
        line: &'a TableLine,
        charts: [Chart; 3],
    }

    #[derive(Template)]
    #[template(path = "overview.html")]
    pub(in super::super) struct OverviewHtml<'a> {
        shell: Shell,
        page: &'a Overview,
        lines: Vec<Line<'a>>,
    }

    impl<'a> OverviewHtml<'a> {
        pub(in super::super) fn of(shell: Shell, page: &'a Overview) -> Self {
            let lines = page.tables.iter().map(|line| Line { line, charts: charts(&line.nights) }).collect();
            Self { shell, page, lines }
        }

        fn progress(&self, load: &Running) -> String {
            load.text()
        }
    }

    fn charts(nights: &[Night]) -> [Chart; 3] {
        let whole = |number: f64| count(number as u64);
        [
            Chart::of("rows", nights, |night| night.rows as f64, whole),
            Chart::of("time", nights, |night| night.seconds, duration),
            Chart::of("rejects", nights, |night| night.rejected as f64, whole),
        ]
    }

    #[derive(Template)]
    #[template(path = "table.html")]
    pub(in super::super) struct TableHtml<'a> {
        shell: Shell,
        page: &'a TablePage,
        charts: Vec<(&'static str, Chart)>,
    }

    impl<'a> TableHtml<'a> {
        pub(in super::super) fn of(shell: Shell, page: &'a TablePage) -> Self {
            let charts = ["rows", "seconds", "rejects"].into_iter().zip(charts(page.nights())).collect();
            Self { shell, page, charts }
        }
    }

    #[derive(Template)]
    #[template(path = "load.html")]
    pub(in super::super) struct LoadHtml<'a> {
        pub(in super::super) shell: Shell,
        pub(in super::super) page: &'a LoadPage,
        pub(in super::super) silent: Vec<Silence>,
    }

    #[derive(Template)]
    #[template(path = "queue.html")]
    pub(in super::super) struct QueueHtml<'a> {
        pub(in super::super) shell: Shell,
        pub(in super::super) page: &'a QueuePage,
    }

    #[derive(Template)]
    #[template(path = "settings.html")]
    pub(in super::super) struct SettingsHtml<'a> {
        pub(in super::super) shell: Shell,
        pub(in super::super) page: &'a SettingsPage,
    }

    #[derive(Template)]
    #[template(path = "login.html")]
    pub(in super::super) struct Login {
        pub(in super::super) shell: Shell,
        pub(in super::super) wrong: bool,
    }

    #[derive(Template)]
    #[template(path = "message.html")]
    pub(in super::super) struct Message<'a> {
        pub(in super::super) shell: Shell,
        pub(in super::super) title: &'a str,
        pub(in super::super) text: &'a str,
    }
}
