//! Values in PostgreSQL's binary COPY format, and what Redshift has against some of them.

/// Days and microseconds from 1970 to 2000, where PostgreSQL counts from.
const DAYS_TO_2000: i32 = 10_957;
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// A value that cannot be loaded.
#[derive(Debug)]
pub(super) enum Fault {
    TooLong { table: usize, data: usize },
    Value(String),
}

pub(super) fn header() -> Vec<u8> {
    let mut out = b"PGCOPY\n\xff\r\n\0".to_vec();
    out.extend_from_slice(&[0; 8]);
    out
}

pub(super) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i16).to_be_bytes());
}

pub(super) fn row(columns: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(columns as i16).to_be_bytes());
}

pub(super) fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
}

pub(super) fn put(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

pub(super) fn date(days: i32) -> i32 {
    days.wrapping_sub(DAYS_TO_2000)
}

/// Without the legacy ConvertedType the number is taken for nanoseconds: a time in 1970.
pub(super) fn timestamp(micros: i64, is_converted: bool) -> i64 {
    let micros = if is_converted { micros } else { micros / 1000 };
    micros.wrapping_sub(MICROS_TO_2000)
}

pub(super) fn varchar(
    value: &[u8],
    bytes: usize,
    takes_invalid: bool,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    if value.len() > bytes {
        return Err(Fault::TooLong { table: bytes, data: value.len() });
    }
    if value.contains(&0) {
        return Err(Fault::Value("A NUL character".to_owned()));
    }
    match std::str::from_utf8(value) {
        Ok(_) => put(value, out),
        Err(_) if takes_invalid => {
            let text = String::from_utf8_lossy(value).replace(char::REPLACEMENT_CHARACTER, "?");
            put(text.as_bytes(), out)
        }
        Err(_) => Err(Fault::Value("String contains invalid or unsupported UTF8 codepoints".to_owned())),
    }
}

pub(super) fn char(value: &[u8], bytes: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    if !value.is_ascii() {
        return Err(Fault::Value("Multibyte character not supported for CHAR".to_owned()));
    }
    varchar(value, bytes, false, out)
}

/// PostgreSQL's numeric: groups of four decimal digits.
pub(super) fn decimal(value: &[u8], precision: i32, scale: i32, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut bytes = [if value.first().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 }; 16];
    let Some(start) = bytes.len().checked_sub(value.len()) else {
        return Err(Fault::Value("A decimal of more than 16 bytes".to_owned()));
    };
    bytes[start..].copy_from_slice(value);
    let unscaled = i128::from_be_bytes(bytes);
    let digits = unscaled.unsigned_abs().to_string();
    if digits.len() > precision as usize {
        return Err(Fault::Value(format!("A number of {} digits", digits.len())));
    }
    let scale = scale as usize;
    // Whole groups on both sides of the point.
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let whole = format!("{whole:0>width$}", width = whole.len().next_multiple_of(4));
    let part = format!("{part:0<width$}", width = part.len().next_multiple_of(4));
    let groups: Vec<i16> = [whole.as_bytes(), part.as_bytes()]
        .concat()
        .chunks(4)
        .map(|group| group.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0')))
        .collect();
    let mut fields = vec![groups.len() as i16, (whole.len() / 4) as i16 - 1];
    fields.extend([if unscaled < 0 { 0x4000 } else { 0 }, scale as i16]);
    fields.extend(groups);
    out.extend_from_slice(&((fields.len() * 2) as i32).to_be_bytes());
    fields.iter().for_each(|field| out.extend_from_slice(&field.to_be_bytes()));
    Ok(())
}
