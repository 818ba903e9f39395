//! Parquet files with one or a few columns, also of kinds that nobody should write.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A column's values, all of them set.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Bool(Vec<bool>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(Vec<&'static [u8]>),
    Fixed(Vec<Vec<u8>>),
}

/// Properties that Redshift is known to read.
pub(crate) fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_writer_version(WriterVersion::PARQUET_1_0)
}

/// A file of one row group; `schema` holds the fields, as in `optional int32 a`. NULLs follow the values.
pub(crate) fn file(
    schema: &str,
    columns: &[Values],
    nulls: usize,
    properties: WriterPropertiesBuilder,
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message schema {{ {schema} }}")).unwrap());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema.clone(), Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (at, values) in columns.iter().enumerate() {
        let optional = schema.get_fields()[at].is_optional();
        let mut column = group.next_column().unwrap().unwrap();
        macro_rules! put {
            ($kind:ty, $values:expr) => {{
                let values = $values;
                let mut levels = vec![1_i16; values.len()];
                levels.resize(values.len() + nulls, 0);
                let levels = optional.then_some(&levels[..]);
                column.typed::<$kind>().write_batch(&values, levels, None).unwrap();
            }};
        }
        match values.clone() {
            Values::Bool(values) => put!(BoolType, values),
            Values::I32(values) => put!(Int32Type, values),
            Values::I64(values) => put!(Int64Type, values),
            Values::F32(values) => put!(FloatType, values),
            Values::F64(values) => put!(DoubleType, values),
            Values::Bytes(values) => {
                put!(ByteArrayType, values.into_iter().map(ByteArray::from).collect::<Vec<_>>())
            }
            Values::Fixed(values) => {
                let value = |bytes: Vec<u8>| FixedLenByteArray::from(ByteArray::from(bytes));
                put!(FixedLenByteArrayType, values.into_iter().map(value).collect::<Vec<_>>())
            }
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

/// A file with one column.
pub(crate) fn one(schema: &str, values: Values) -> Vec<u8> {
    file(schema, &[values], 0, plain())
}

/// The same file as a writer makes it that leaves the legacy ConvertedType of its only column out.
///
/// The parquet crate always writes it, so the two bytes of the field are cut from the footer. What follows in
/// the struct counts its field numbers from the last one, so the next delta grows by what is gone.
pub(crate) fn without_converted_type(file: &[u8]) -> Vec<u8> {
    let tail = file.len() - 8;
    let length = u32::from_le_bytes(file[tail..tail + 4].try_into().unwrap()) as usize;
    let mut footer = file[tail - length..tail].to_vec();
    // name (4) = "a", converted_type (6) = TIMESTAMP_MICROS (10, zigzag 20), logicalType (10), a struct.
    let written = [0x01, b'a', 0x25, 20, 0x4c];
    let at = footer.windows(written.len()).position(|window| window == written).unwrap();
    footer.splice(at..at + written.len(), [0x01, b'a', 0x6c]);
    let mut out = file[..tail - length].to_vec();
    out.extend_from_slice(&footer);
    out.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    out.extend_from_slice(b"PAR1");
    out
}
