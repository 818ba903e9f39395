//! The physical layout of the files, field by field: what Redshift's COPY takes.

use crate::support::{Given, table};
use csl_stream::pipeline::Codec;
use parquet::basic::{
    Compression, ConvertedType, Encoding, LogicalType, PageType, Repetition, TimeUnit, Type,
};
use parquet::column::page::Page;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::record::RowAccessor;

const COLUMNS: [(&str, &str, bool); 12] = [
    ("small", "smallint", true),
    ("int", "integer", true),
    ("big", "bigint", false),
    ("flag", "boolean", true),
    ("score", "numeric(3,2)", true),
    ("wide", "numeric(38,10)", true),
    ("real", "real", true),
    ("double", "double precision", true),
    ("at", "timestamp(6) without time zone", true),
    ("zoned", "timestamp with time zone", true),
    ("day", "date", true),
    ("note", "character varying(20)", true),
];

fn file(codec: Codec) -> SerializedFileReader<bytes::Bytes> {
    let header = COLUMNS.map(|column| column.0).join(",");
    let csv = format!(
        "{header}\n1,-2,3,t,0.70,1.0000000000,1.5,2.5,2024-01-01 00:00:00,2024-01-01 00:00:00+00,2024-01-01,hi\n\
         5,6,7,f,-9.99,-2.0000000000,-1.5,-2.5,2024-01-02 00:00:00,2024-01-02 00:00:00+00,2024-01-02,\"\"\n\
         ,,9,,,,,,,,,\n"
    );
    let mut given = Given::new(csv, table(&COLUMNS));
    given.options.codec = codec;
    let run = given.run();
    let (name, bytes) = run.files.into_iter().next().unwrap();
    assert_eq!(name, format!("part-00000.{}", codec.file_suffix()));
    SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap()
}

#[test]
fn the_schema_is_redshifts() {
    use ConvertedType as C;
    let micros = |utc| Some(LogicalType::timestamp(utc, TimeUnit::MICROS));
    let want = [
        (Type::INT32, Some(LogicalType::integer(16, true)), C::INT_16, -1),
        (Type::INT32, None, C::NONE, -1),
        (Type::INT64, None, C::NONE, -1),
        (Type::BOOLEAN, None, C::NONE, -1),
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(2, 3)), C::DECIMAL, 2),
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(10, 38)), C::DECIMAL, 16),
        (Type::FLOAT, None, C::NONE, -1),
        (Type::DOUBLE, None, C::NONE, -1),
        (Type::INT64, micros(false), C::TIMESTAMP_MICROS, -1),
        (Type::INT64, micros(true), C::TIMESTAMP_MICROS, -1),
        (Type::INT32, Some(LogicalType::Date), C::DATE, -1),
        (Type::BYTE_ARRAY, Some(LogicalType::String), C::UTF8, -1),
    ];
    let file = file(Codec::Snappy);
    let metadata = file.metadata().file_metadata();
    assert_eq!(metadata.version(), 1);
    assert_eq!(metadata.num_rows(), 3);
    assert_eq!(metadata.created_by(), Some(csl_stream::pages::CREATED_BY));
    assert_eq!(metadata.key_value_metadata(), None, "no Arrow schema blob");
    assert_eq!(metadata.schema().name(), "schema");
    assert_eq!(metadata.schema_descr().num_columns(), want.len());
    for (i, (physical, logical, converted, length)) in want.into_iter().enumerate() {
        let column = metadata.schema_descr().column(i);
        assert_eq!(column.name(), COLUMNS[i].0);
        assert_eq!(column.physical_type(), physical, "{}", column.name());
        assert_eq!(column.logical_type_ref().cloned(), logical, "{}", column.name());
        assert_eq!(column.converted_type(), converted, "{}", column.name());
        assert_eq!(column.type_length(), length, "{}", column.name());
        assert_eq!(column.self_type().get_basic_info().repetition(), Repetition::OPTIONAL);
        assert_eq!((column.max_def_level(), column.max_rep_level()), (1, 0));
    }
}

#[test]
fn pages_are_version_one_and_plain_or_dictionary() {
    for (codec, want) in [
        (Codec::Snappy, Compression::SNAPPY),
        (Codec::Zstd, Compression::ZSTD(parquet::basic::ZstdLevel::try_new(1).unwrap())),
        (Codec::None, Compression::UNCOMPRESSED),
    ] {
        let file = file(codec);
        let group = file.get_row_group(0).unwrap();
        for (i, (name, ..)) in COLUMNS.iter().enumerate() {
            let chunk = group.metadata().column(i);
            let shown = (chunk.compression(), want);
            assert_eq!(std::mem::discriminant(&shown.0), std::mem::discriminant(&shown.1), "{name}");
            assert_eq!(chunk.num_values(), 3, "{name}");
            assert!(chunk.column_index_offset().is_none() && chunk.bloom_filter_offset().is_none(), "{name}");
            for page in group.get_column_page_reader(i).unwrap() {
                match page.unwrap() {
                    Page::DataPage { encoding, def_level_encoding, .. } => {
                        assert!(
                            matches!(encoding, Encoding::PLAIN | Encoding::RLE_DICTIONARY),
                            "{name}: {encoding}"
                        );
                        assert_eq!(def_level_encoding, Encoding::RLE, "{name}");
                    }
                    page => assert_eq!(page.page_type(), PageType::DICTIONARY_PAGE, "{name}"),
                }
            }
        }
    }
}

#[test]
fn statistics_are_the_values() {
    let file = file(Codec::Snappy);
    let group = file.metadata().row_group(0);
    let statistics = |i: usize| group.column(i).statistics().unwrap().clone();
    for (i, (name, ..)) in COLUMNS.into_iter().enumerate() {
        let nulls = if name == "big" { 0 } else { 1 };
        assert_eq!(statistics(i).null_count_opt(), Some(nulls), "{name}");
    }
    assert_eq!(statistics(1), Statistics::int32(Some(-2), Some(6), None, Some(1), false));
    assert_eq!(statistics(3), Statistics::boolean(Some(false), Some(true), None, Some(1), false));
    assert_eq!(statistics(4).min_bytes_opt(), Some((-999i16).to_be_bytes().as_slice()));
    assert_eq!(statistics(4).max_bytes_opt(), Some(70i16.to_be_bytes().as_slice()));
    assert_eq!(statistics(10), Statistics::int32(Some(19_723), Some(19_724), None, Some(1), false));
    assert_eq!(
        (statistics(11).min_bytes_opt(), statistics(11).max_bytes_opt()),
        (Some(&b""[..]), Some(&b"hi"[..]))
    );
}

/// A page without any value has no indices, and still no page may stand before the dictionary's.
#[test]
fn the_dictionary_is_the_first_page_though_the_first_values_are_null() {
    const NULLS: usize = 40_000;
    const VALUES: usize = 40_000;
    let nulls = (0..NULLS).map(|i| format!("{i},,\n"));
    let values =
        (NULLS..NULLS + VALUES).map(|i| format!("{i},{},{}\n", i % 5, ["red", "green", "blue"][i % 3]));
    let csv: String = ["id,few,note\n".to_owned()].into_iter().chain(nulls).chain(values).collect();
    let columns = [("id", "bigint", false), ("few", "integer", true), ("note", "text", true)];
    let run = Given::new(csv, table(&columns)).run();
    let (_, bytes) = run.files.into_iter().next().unwrap();
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let group = file.get_row_group(0).unwrap();
    for column in 1..columns.len() {
        let pages = group.get_column_page_reader(column).unwrap();
        let types: Vec<_> = pages.map(|page| page.unwrap().page_type()).collect();
        assert_eq!((types[0], types.len() > 3), (PageType::DICTIONARY_PAGE, true), "{types:?}");
        let chunk = group.metadata().column(column);
        let dictionary = chunk.dictionary_page_offset().unwrap();
        assert!(chunk.data_page_offset() > dictionary && chunk.byte_range().0 == dictionary as u64);
    }
    let mut rows = 0;
    for (i, row) in file.get_row_iter(None).unwrap().enumerate() {
        let row = row.unwrap();
        let shown = (row.get_int(1).ok(), row.get_string(2).ok().map(String::as_str));
        let color = ["red", "green", "blue"][i % 3];
        assert_eq!(
            shown,
            if i < NULLS { (None, None) } else { (Some(i as i32 % 5), Some(color)) },
            "row {i}"
        );
        rows = i + 1;
    }
    assert_eq!(rows, NULLS + VALUES);
}

/// A field of a thrift structure in the compact protocol: its number and, if it is one, its integer.
fn field(bytes: &mut &[u8], last: u8) -> Option<(u8, i64)> {
    let take = |bytes: &mut &[u8]| bytes.split_off_first().copied().unwrap();
    let head = take(bytes);
    let (delta, kind) = (head >> 4, head & 15);
    assert!(head == 0 || delta > 0, "no long form is needed");
    if head == 0 || kind != 5 {
        return (head != 0).then_some((last + delta, 0));
    }
    let (mut zigzag, mut shift) = (0_u64, 0);
    loop {
        let byte = take(bytes);
        zigzag |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return Some((last + delta, (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)));
        }
    }
}

#[test]
fn every_page_has_the_checksum_of_its_bytes() {
    let rows: String = (0..40_000).map(|at| format!("{at},v{},{}\n", at % 5, "x".repeat(at % 60))).collect();
    let columns = [("id", "bigint", false), ("few", "text", true), ("many", "text", true)];
    for codec in [Codec::Snappy, Codec::Zstd, Codec::None] {
        let mut given = Given::new(format!("id,few,many\n{rows}"), table(&columns));
        given.options.codec = codec;
        let run = given.run();
        let bytes = bytes::Bytes::from(run.files.into_values().next().unwrap());
        let reader = SerializedFileReader::new(bytes.clone()).unwrap();
        let (mut pages, mut dictionaries) = (0, 0);
        for column in reader.metadata().row_groups().iter().flat_map(|group| group.columns()) {
            let (start, len) = column.byte_range();
            let mut rest = &bytes[start as usize..(start + len) as usize];
            while !rest.is_empty() {
                let numbers: Vec<i64> = (1..=4)
                    .map(|number| {
                        let (found, value) = field(&mut rest, number - 1).unwrap();
                        assert_eq!(found, number);
                        value
                    })
                    .collect();
                let (of, _) = field(&mut rest, 4).unwrap();
                assert_eq!(of, if numbers[0] == 0 { 5 } else { 7 });
                let mut last = 0;
                while let Some((number, _)) = field(&mut rest, last) {
                    last = number;
                }
                assert!(field(&mut rest, of).is_none(), "the header ends");
                let page = rest.split_off(..numbers[2] as usize).unwrap();
                let mut crc = flate2::Crc::new();
                crc.update(page);
                assert_eq!(numbers[3] as i32, crc.sum() as i32, "{codec:?}, column {}", column.column_path());
                pages += 1;
                dictionaries += usize::from(numbers[0] == 2);
            }
        }
        assert!(pages > 9 && dictionaries > 0, "{pages} pages, {dictionaries} dictionaries");
    }
}
