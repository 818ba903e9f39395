//! Which exports a worker loads; the receiver sends by the same rule.

use crate::queue::LoadOrder;
use crate::store::ExportKind;

/// `work.tables` and `work.kinds`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// These tables; none: all.
    pub tables: Option<Vec<String>>,
    /// These kinds.
    pub kinds: Vec<ExportKind>,
}

impl Selection {
    /// Whether the export is to be loaded.
    pub fn selects(&self, order: &LoadOrder) -> bool {
        let table = self.tables.as_ref().is_none_or(|tables| tables.contains(&order.table));
        table && self.kinds.contains(&order.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExportKind::{Full, Incremental};

    #[test]
    fn tables_and_kinds_are_both_asked() {
        let order = |table: &str, kind| LoadOrder {
            download_url: String::new(),
            table: table.to_owned(),
            s3: None,
            kind,
        };
        let preset = Selection { tables: Some(vec!["signatures".to_owned()]), kinds: vec![Full] };
        let all = Selection { tables: None, kinds: vec![Full, Incremental] };
        for (table, kind, by_preset) in
            [("signatures", Full, true), ("signatures", Incremental, false), ("petitions", Full, false)]
        {
            assert_eq!(preset.selects(&order(table, kind)), by_preset, "{table} {kind:?}");
            assert!(all.selects(&order(table, kind)));
        }
    }
}
