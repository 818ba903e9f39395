//! What is kept for a while: each kind with its place and its time, swept in one way.
//!
//! ```text
//! every load, and `work` when it begins ─▶ sweep ─┬─▶ the warehouse: versions, run reports, staged files
//!                                                 ├─▶ rejects
//!                                                 └─▶ dead letters of a local queue
//! check ─▶ a line for each
//! ```

use super::rejects::Rejects;
use super::target;
use crate::config::Config;
use crate::error::Result;
use crate::report::Checklist;
use crate::warehouse::{Kept, Warehouse};

/// What is kept, and what takes it away once its time is over.
struct Keeper<'a> {
    kept: Kept,
    /// Says how many went; none where somebody else sweeps it.
    sweep: Option<Box<dyn Fn() -> Result<u64> + 'a>>,
}

fn keepers<'a>(
    config: &'a Config,
    warehouse: Option<&'a dyn Warehouse>,
    rejects: Option<&'a Rejects>,
    loaded: Option<&'a str>,
) -> Vec<Keeper<'a>> {
    let mut keepers = Vec::new();
    for kept in warehouse.map(Warehouse::kept).unwrap_or_default() {
        let what = kept.what;
        keepers.push(Keeper {
            kept,
            sweep: warehouse.map(|own| -> Box<dyn Fn() -> _> { Box::new(move || own.sweep(what, loaded)) }),
        });
    }
    if let Some(rejects) = rejects {
        let kept = Kept::days("rejects", rejects.shown(), rejects.days());
        keepers.push(Keeper { kept, sweep: Some(Box::new(|| rejects.sweep())) });
    }
    keepers.push(dead_letters(config));
    keepers
}

/// SQS forgets by itself: the queue says when.
fn dead_letters(config: &Config) -> Keeper<'_> {
    let own = &config.queue;
    if let Some(url) = own.dead_letter_url.as_ref().or(own.url.as_ref()) {
        let how_long = "as long as that queue keeps messages, 14 days at most".to_owned();
        return Keeper { kept: Kept { what: "dead letters", place: url.clone(), how_long }, sweep: None };
    }
    let kept = Kept::days("dead letters", own.path.clone(), own.dead_letter_days);
    Keeper { kept, sweep: forgets(config) }
}

#[cfg(feature = "serve")]
fn forgets(config: &Config) -> Option<Box<dyn Fn() -> Result<u64> + '_>> {
    use crate::store::runtime;
    use std::path::Path;
    let forget = move || {
        // A queue that nobody uses is not made for this.
        if !Path::new(&config.queue.path).exists() {
            return Ok(0);
        }
        let before = crate::warehouse::over(config.queue.dead_letter_days);
        let queue = super::queues::queue(config)?;
        before.map_or(Ok(0), |before| runtime()?.block_on(queue.forget_dead(before)))
    };
    Some(Box::new(forget))
}

#[cfg(not(feature = "serve"))]
fn forgets(_: &Config) -> Option<Box<dyn Fn() -> Result<u64> + '_>> {
    None
}

/// Takes away what is over its time. What cannot be taken away is told, and changes nothing about the load.
pub(super) fn sweep(config: &Config, warehouse: &dyn Warehouse, rejects: &Rejects, loaded: Option<&str>) {
    for Keeper { kept: Kept { what, place, .. }, sweep } in
        keepers(config, Some(warehouse), Some(rejects), loaded)
    {
        match sweep.map_or(Ok(0), |sweep| sweep()) {
            Ok(0) => {}
            Ok(gone) => tracing::info!(what, place, gone, "swept: its time was over"),
            Err(error) => tracing::warn!(what, place, %error, "what is over its time could not be swept"),
        }
    }
}

/// A line for each kind: what, where, how long.
pub(super) fn check(config: &Config, rejects: &std::path::Path, list: &mut Checklist<'_>) {
    let warehouse = target::open(config).ok();
    let rejects = Rejects::of_loads(config, rejects, None).ok();
    for Keeper { kept, .. } in keepers(config, warehouse.as_deref(), rejects.as_ref(), None) {
        list.says(&format!("{} are kept", kept.what), Ok(format!("{}, in {}", kept.how_long, kept.place)));
    }
}
