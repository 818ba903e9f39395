//! The messages of one taking, table by table, in the order in which they are loaded.
//!
//! The newest full export comes first: once it is in the table, what it covers is obsolete.
//! They are not dropped before, because the newest may turn out to be damaged: then the next one is loaded.
//! Incremental exports follow in the order of their time. What has no time comes before what has one: what is
//! known to be newer then replaces it, and it waits behind nothing that comes in.

use crate::ledger::Cover;
use crate::queue::{LoadOrder, Message};
use crate::store::ExportKind;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A message that could be read.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) message: Message,
    pub(super) order: LoadOrder,
    pub(super) exported_at: Option<String>,
}

impl Item {
    pub(super) fn new(message: Message, order: LoadOrder) -> Self {
        let exported_at = order.exported_at();
        Self { message, order, exported_at }
    }

    /// Whether a full export of `newest` holds all that this one does. What has no time is never obsolete.
    pub(super) fn is_obsolete_beside(&self, cover: Cover, newest: Option<&str>) -> bool {
        cover.covers(newest, self.order.kind, self.exported_at.as_deref())
    }
}

/// By table; each table's in the order of loading.
pub(super) fn in_order(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut tables: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for item in items {
        tables.entry(item.order.table.clone()).or_default().push(item);
    }
    let mut tables: Vec<Vec<Item>> = tables.into_values().collect();
    for items in &mut tables {
        items.sort_by_key(|item| match item.order.kind {
            ExportKind::Full => (0, item.exported_at.is_some(), Reverse(item.exported_at.clone()), None),
            ExportKind::Incremental => (1, false, Reverse(None), item.exported_at.clone()),
        });
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::ObjectName;
    use ExportKind::{Full, Incremental};

    fn item(table: &str, kind: ExportKind, at: &str) -> Item {
        let s3 = ObjectName { bucket: "b".to_owned(), key: format!("{table}_{at}.csv") };
        let order = LoadOrder { download_url: String::new(), table: table.to_owned(), s3: Some(s3), kind };
        Item::new(Message::for_tests(&order), order)
    }

    #[test]
    fn the_newest_full_export_is_first_and_incremental_ones_follow_in_their_order() {
        let items = vec![
            item("t", Incremental, "20260302"),
            item("t", Full, "20260301"),
            item("u", Incremental, "20260301"),
            item("t", Full, "20260303"),
            item("t", Full, "unknown"),
            item("t", Incremental, "20260301"),
            item("t", Incremental, "unknown"),
        ];
        let shown: Vec<Vec<String>> = in_order(items)
            .iter()
            .map(|items| items.iter().map(|item| item.order.name()).collect())
            .collect();
        assert_eq!(
            shown,
            [
                vec![
                    "s3://b/t_unknown.csv",
                    "s3://b/t_20260303.csv",
                    "s3://b/t_20260301.csv",
                    "s3://b/t_unknown.csv",
                    "s3://b/t_20260301.csv",
                    "s3://b/t_20260302.csv"
                ],
                vec!["s3://b/u_20260301.csv"]
            ]
        );
    }

    #[test]
    fn obsolete_is_what_is_older_than_a_full_export() {
        for (at, newest, obsolete) in [
            ("20260301", Some("20260302"), true),
            ("20260302", Some("20260302"), false),
            ("20260301180000", Some("20260302"), false),
            ("20260301175959", Some("20260302"), true),
            ("20260303", Some("20260302"), false),
            ("20260301", None, false),
            ("unknown", Some("20260302"), false),
        ] {
            let item = item("t", Incremental, at);
            assert_eq!(item.is_obsolete_beside(Cover::default(), newest), obsolete, "{at} {newest:?}");
            let at_once = item.is_obsolete_beside(Cover { hours: 0 }, newest);
            assert_eq!(at_once, obsolete || at == "20260301180000", "{at} {newest:?}");
        }
    }
}
