//! Records of people who were erased, found among those of a scanned block.

use super::gather::Fields;
use super::portable::Portable;
use super::text_value::append_value;
use crate::privacy::MarkedField;

/// Whether a record of the block is somebody's who was erased. Asked before anything is made of its fields; where
/// nobody was erased it costs nothing.
pub(super) fn has_marked(erased: &[MarkedField], fields: &Fields<'_>) -> bool {
    let mut value = Vec::new();
    erased.iter().any(|field| {
        fields.of_field(field.at).any(|text| {
            value.clear();
            append_value(Portable, text, &mut value);
            field.marked.has(&value[4..])
        })
    })
}
