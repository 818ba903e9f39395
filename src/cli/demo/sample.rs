//! A made-up export of `signatures`: the same bytes every time, nobody's data, and every trap of the format.

use std::fmt::Write;

/// The bulk schema of the sample: part of ControlShift's `signatures`.
pub(super) const SCHEMA: &str = include_str!("../../../fixtures/demo/schema.json");
/// The header of the sample.
const HEADER: &str = "petition_id,email,first_name,last_name,phone_number,postcode,created_at,join_organisation,\
     deleted_at,additional_fields,source,new_member,locale,country,updated_at,utm_params,recaptcha_score,id,\
     user_ip,user_agent";
/// Rows of the sample: enough to see the path work, few enough for an unoptimised build.
pub(super) const ROWS: u64 = 20_000;

/// The export as PostgreSQL would print it: NULL is nothing, the empty string is `""`.
pub(super) fn export() -> String {
    let mut csv = String::with_capacity(ROWS as usize * 340);
    csv.push_str(HEADER);
    csv.push('\n');
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for id in 1..=ROWS {
        row(&mut csv, &mut dice, id);
    }
    csv
}

fn row(csv: &mut String, dice: &mut Dice, id: u64) {
    let second = id * 61 + dice.below(60);
    let (day, hour, minute) = (1 + second / 86_400 % 28, second / 3_600 % 24, second / 60 % 60);
    let created = format!("2026-02-{day:02} {hour:02}:{minute:02}:{:02}.{}", second % 60, 1 + dice.below(9));
    let fields = [
        (1 + dice.below(40)).to_string(),
        format!("signer{id}@example.org"),
        format!("Given{}", dice.below(900)),
        dice.one(&["Family", "\"Family, née Sample\"", "\"O\"\"Sample\"", ""]).to_owned(),
        if dice.below(3) == 0 { format!("+1 555 01{:02}", dice.below(100)) } else { String::new() },
        dice.one(&["", "\"\"", "AB1 2CD", "10115", "75001"]).to_owned(),
        created.clone(),
        dice.one(&["t", "f", ""]).to_owned(),
        if dice.below(50) == 0 { created.clone() } else { String::new() },
        dice.one(&["", "\"\"\"why\"\"=>\"\"it matters\"\"\"", "\"\"\"comment\"\"=>\"\"two\nlines\"\"\""])
            .to_owned(),
        dice.one(&["web", "email", "\"\"", ""]).to_owned(),
        dice.one(&["t", "f"]).to_owned(),
        dice.one(&["en", "de", "fr"]).to_owned(),
        dice.one(&["GB", "GB", "GB", "DE", "DE", "FR", ""]).to_owned(),
        created,
        dice.one(&["", "{}", "\"{\"\"utm_source\"\": \"\"demo\"\"}\""]).to_owned(),
        dice.one(&["", "0.90", "0.10", "0.70"]).to_owned(),
        (9_000_000_000 + id).to_string(),
        format!("192.0.2.{}", dice.below(256)),
        "Mozilla/5.0 (sample)".to_owned(),
    ];
    // Writing into a string cannot fail.
    let _ = writeln!(csv, "{}", fields.join(","));
}

/// A small generator of numbers that never changes (xorshift), so that the sample never does.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_a_fitting_export() {
        let text = export();
        assert_eq!(text, export());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let columns = schema["tables"][0]["table"]["columns"].as_object().unwrap();
        assert_eq!(header, columns.keys().cloned().collect::<Vec<_>>());
        let records = reader.records().collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(records.len() as u64, ROWS);
        for trap in [",\"\",", ",,", "\"O\"\"Sample\"", "two\nlines"] {
            assert!(text.contains(trap), "{trap}");
        }
    }
}
