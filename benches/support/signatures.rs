//! A made-up export of `signatures`, as large as wanted: the same bytes every time, and nobody's data.
//!
//! ```text
//! seed ──▶ Signatures ── row(), row(), … ──▶ CSV as PostgreSQL prints it
//!                └────── facts() ──────────▶ what each column must hold afterwards
//! ```
//!
//! The 49 columns are those of `fixtures/exports/schema.json`. How many values are NULL or empty, how
//! long they are and how often they repeat is like a large campaigner's: that decides how fast it goes.

use csl_stream::values::days_in_month;
use fastrand::Rng;
use std::io::Write;

/// The bulk schema that the export follows.
pub const SCHEMA: &str = include_str!("../../fixtures/exports/schema.json");

/// A column: its name, how many of 1,000 values are NULL and how many `""`, and what the others are.
type Column = (&'static str, u64, u64, Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Ascends by one or two.
    Id,
    /// From the first on, fewer than the second; the third says how much the low ones prevail.
    Number(i64, f64, i32),
    /// When the row was made.
    Created,
    /// At most so many seconds after that.
    Later(f64),
    /// True so many times of 1,000.
    Flag(u64),
    Score,
    One(&'static [&'static str]),
    /// A stem and one of so many numbers.
    Numbered(&'static str, f64),
    Name,
    Email,
    Phone,
    Postcode,
    Token,
    Address,
    Agent,
    Comment,
    Utm,
    External,
    Partners,
}
use Kind::*;

const COLUMNS: [Column; 49] = [
    ("petition_id", 0, 0, Number(1, 140_000.0, 3)),
    ("email", 1, 0, Email),
    ("first_name", 1, 3, Name),
    ("last_name", 1, 3, Name),
    ("phone_number", 690, 90, Phone),
    ("postcode", 110, 40, Postcode),
    ("created_at", 0, 0, Created),
    ("join_organisation", 30, 0, Flag(420)),
    ("deleted_at", 991, 0, Later(3e7)),
    ("unsubscribe_at", 890, 0, Later(6e7)),
    ("member_id", 30, 0, Number(1_000, 3.9e6, 1)),
    ("additional_fields", 520, 370, Comment),
    ("cached_organisation_slug", 20, 0, One(&["campaigns-together", "campaigns-together-north"])),
    ("source", 300, 100, Numbered("whatsapp-blast-", 500.0)),
    ("new_member", 60, 0, Flag(260)),
    ("external_action_id", 982, 0, Numbered("action-", 4e9)),
    ("locale", 0, 0, One(&["en-GB", "en-US", "de", "fr", "es", "it", "pt-BR"])),
    ("bucket", 910, 0, Numbered("bucket_", 20.0)),
    ("country", 40, 0, One(&["GB", "US", "AU", "DE", "FR", "IE", "NZ", "ES", "NL", "SE", "IN", "BR"])),
    ("updated_at", 0, 0, Later(8e6)),
    ("join_list_suppressed", 0, 0, Flag(15)),
    ("old_daisy_chain_used", 985, 0, Numbered("daisy-", 60.0)),
    ("from_embed", 400, 0, Flag(35)),
    ("confirmation_token", 120, 0, Token),
    ("confirmed_at", 320, 0, Later(3_600.0)),
    ("confirmation_sent_at", 850, 0, Later(20.0)),
    ("last_signed_at", 0, 0, Later(2e7)),
    ("confirmed_reason", 320, 0, One(&["email_confirmed", "logged_in", "existing_member", "one_click"])),
    ("synced_to_crm_at", 400, 0, Later(900.0)),
    ("daisy_chain_experiment_slug", 970, 0, Numbered("experiment-variant-", 12.0)),
    ("from_one_click", 0, 0, Flag(80)),
    ("eu_data_processing_consent", 550, 0, Flag(900)),
    ("consent_content_version_id", 600, 0, Number(1, 50.0, 2)),
    ("daisy_chain_id_used", 900, 0, Number(1, 300.0, 2)),
    ("email_opt_in_type_id", 380, 0, Number(1, 8.0, 2)),
    ("facebook_id", 991, 0, Number(1_000_000_000_000_000, 9e15, 1)),
    ("utm_params", 150, 0, Utm),
    ("postcode_id", 350, 0, Number(3_000_000_000, 1.7e6, 1)),
    ("referring_share_click_id", 840, 0, Number(1, 9e6, 1)),
    ("opt_in_sms", 500, 0, Flag(70)),
    ("sms_opt_in_type_id", 955, 0, Number(1, 4.0, 1)),
    ("recaptcha_score", 180, 0, Score),
    ("new_mobile_subscriber", 500, 0, Flag(30)),
    ("external_ids", 400, 0, External),
    ("id", 0, 0, Id),
    ("partnership_opt_ins", 700, 0, Partners),
    ("after_action", 600, 0, One(&["daisy_chain", "share_facebook", "share_whatsapp", "donate", "none"])),
    ("user_ip", 50, 0, Address),
    ("user_agent", 25, 0, Agent),
];

/// What a column holds: the sums by which an output is checked.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub name: &'static str,
    pub not_null: u64,
    /// Of texts: how many are empty, and bytes and newlines of all.
    pub empty: u64,
    pub bytes: u64,
    pub newlines: u64,
    /// Of numbers and times: the sum (decimals without their point, microseconds); of flags: how many are true.
    pub sum: i128,
}

/// Names, hosts and other words to choose from.
const WORDS: usize = 2_000;
const FIRST_YEAR: i32 = 2006;
const LAST_YEAR: i32 = 2045;
const DAY_US: u64 = 86_400_000_000;
/// Microseconds from 1970 to the first year.
const START_US: i128 = 13_149 * DAY_US as i128;
/// Longest time between two rows, which are a quarter of it apart on average.
const STEP_US: f64 = 240e6;

/// See the module's description.
pub struct Signatures {
    random: Rng,
    words: Vec<String>,
    agents: Vec<String>,
    days: Vec<String>,
    /// Microseconds since the first year.
    clock: u64,
    id: i64,
    field: Vec<u8>,
    facts: Vec<Facts>,
}

impl Signatures {
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let words: Vec<String> = (0..WORDS).map(|at| word(&mut random, at)).collect();
        let agents = (0..WORDS).map(|at| agent(&mut random, at)).collect();
        let days = (FIRST_YEAR..=LAST_YEAR)
            .flat_map(|year| (1..=12).map(move |month| (year, month)))
            .flat_map(|(year, month)| {
                (1..=days_in_month(year, month)).map(move |day| format!("{year}-{month:02}-{day:02}"))
            })
            .collect();
        let facts = COLUMNS.iter().map(|column| Facts { name: column.0, ..Facts::default() }).collect();
        Self { random, words, agents, days, clock: 0, id: 41_300_000, field: Vec::new(), facts }
    }

    /// The header record.
    pub fn header() -> String {
        COLUMNS.map(|column| column.0).join(",") + "\n"
    }

    /// What the rows so far hold, column by column.
    pub fn facts(&self) -> &[Facts] {
        &self.facts
    }

    /// Adds a row.
    pub fn row(&mut self, csv: &mut Vec<u8>) {
        self.clock += self.skewed(STEP_US, 3) as u64;
        self.id += 1 + i64::from(self.chance(50));
        for (at, &(_, null, empty, kind)) in COLUMNS.iter().enumerate() {
            let dice = self.random.u64(..1_000);
            if dice >= null {
                self.field.clear();
                if dice >= null + empty {
                    self.value(at, kind);
                }
                self.end_field(at, kind, csv);
            }
            csv.push(if at + 1 < COLUMNS.len() { b',' } else { b'\n' });
        }
    }

    /// Counts the value and prints it as PostgreSQL would.
    fn end_field(&mut self, at: usize, kind: Kind, csv: &mut Vec<u8>) {
        let (field, facts) = (&self.field, &mut self.facts[at]);
        facts.not_null += 1;
        if !matches!(kind, Id | Number(..) | Created | Later(_) | Flag(_) | Score)
            || facts.name == "facebook_id"
        {
            facts.empty += u64::from(field.is_empty());
            facts.bytes += field.len() as u64;
            facts.newlines += field.iter().filter(|&&byte| byte == b'\n').count() as u64;
        }
        if !field.is_empty() && !field.iter().any(|byte| b",\"\n\r".contains(byte)) {
            return csv.extend_from_slice(field);
        }
        csv.push(b'"');
        for &byte in field {
            csv.push(byte);
            if byte == b'"' {
                csv.push(b'"');
            }
        }
        csv.push(b'"');
    }

    fn value(&mut self, at: usize, kind: Kind) {
        let sum = match kind {
            Id => self.number(self.id),
            Number(from, below, power) => {
                let number = from + self.skewed(below, power) as i64;
                self.number(number)
            }
            Created => self.moment(self.clock),
            Later(seconds) => {
                let after = self.skewed(seconds * 1e6, 1) as u64;
                self.moment(self.clock + after)
            }
            Flag(trues) => {
                let flag = self.chance(trues);
                self.field.push(if flag { b't' } else { b'f' });
                i128::from(flag)
            }
            Score => {
                let score = 100 - 10 * self.skewed(11.0, 4) as i128;
                self.print(format_args!("{}.{:02}", score / 100, score % 100));
                score
            }
            _ => {
                self.text(kind);
                0
            }
        };
        if self.facts[at].name != "facebook_id" {
            self.facts[at].sum += sum;
        }
    }

    fn text(&mut self, kind: Kind) {
        match kind {
            One(of) => {
                let at = self.skewed(of.len() as f64, 3) as usize;
                self.print(format_args!("{}", of[at]));
            }
            Numbered(stem, below) => {
                let number = self.skewed(below, 2) as u64;
                self.print(format_args!("{stem}{number}"));
            }
            Name => self.name(),
            Email => {
                let (name, host, id) = (self.word(1), self.word(6), self.id);
                self.print(format_args!("{name}.{id}@{host}.example"));
            }
            Phone => {
                let number = self.random.u64(..1_000_000_000);
                self.print(format_args!("07{number:09}"));
            }
            Postcode => {
                let place = self.random.u64(..1_700_000);
                let letter = |at: u64| char::from(b'A' + (place / at % 26) as u8);
                self.print(format_args!("{}{}{} {}", letter(1), letter(26), place % 40, place / 17 % 1000));
            }
            Token => (0..20).for_each(|_| self.field.push(self.random.alphanumeric() as u8)),
            Address => self.address(),
            Agent => {
                let at = self.skewed(WORDS as f64, 3) as usize;
                self.field.extend_from_slice(self.agents[at].as_bytes());
            }
            Comment => self.comment(),
            Utm => self.utm(),
            External => self.external(),
            _ => self.partners(),
        }
    }

    fn print(&mut self, text: std::fmt::Arguments<'_>) {
        self.field.write_fmt(text).expect("memory takes all");
    }

    fn number(&mut self, number: i64) -> i128 {
        self.print(format_args!("{number}"));
        number.into()
    }

    /// Prints a time, trailing zeros of the fraction left out; gives microseconds since 1970.
    fn moment(&mut self, us: u64) -> i128 {
        let (second, fraction) = (us / 1_000_000 % 86_400, us % 1_000_000);
        self.field.extend_from_slice(self.days[(us / DAY_US) as usize].as_bytes());
        self.print(format_args!(" {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60));
        if fraction > 0 {
            self.print(format_args!(".{fraction:06}"));
            let zeros = self.field.iter().rev().take_while(|&&byte| byte == b'0').count();
            self.field.truncate(self.field.len() - zeros);
        }
        START_US + i128::from(us)
    }

    fn name(&mut self) {
        let name = self.word(2);
        match self.random.u32(..1_000) {
            0..5 => self.print(format_args!("{name}, née {name}")),
            5..8 => self.print(format_args!("{name} \"{name}\"")),
            8..10 => self.print(format_args!("{name}\n")),
            // Names that are no NULL.
            10 => self.print(format_args!("Null")),
            _ => self.print(format_args!("{name}")),
        }
    }

    fn address(&mut self) {
        let [a, b, c, d] = self.random.u32(..).to_be_bytes();
        let low = self.random.u64(..1 << 48);
        if self.chance(220) {
            let (e, f, g) = (low >> 32, low >> 16 & 0xffff, low & 0xffff);
            return self.print(format_args!("2001:db8:{a:x}{b:02x}:{c:x}{d:02x}::{e:x}:{f:x}:{g:x}"));
        }
        self.print(format_args!("{a}.{b}.{c}.{d}"));
    }

    /// An hstore with free text: one in ten has a newline, one in a hundred rows all in all.
    fn comment(&mut self) {
        self.print(format_args!("\"comment\"=>\""));
        let words = self.random.usize(4..18);
        let newline = self.random.usize(..10 * words);
        for at in 0..words {
            let word = self.word(1);
            let gap = if at + 1 == words {
                ""
            } else if at == newline {
                "\r\n"
            } else {
                " "
            };
            self.print(format_args!("{word}{gap}"));
        }
        self.print(format_args!("\""));
        if self.chance(400) {
            let word = self.word(1);
            self.print(format_args!(", \"constituency\"=>\"{word} North\""));
        }
    }

    fn utm(&mut self) {
        if self.chance(480) {
            return self.print(format_args!("{{}}"));
        }
        let (medium, source) = (self.word(6), self.word(6));
        let (campaign, number) = (self.word(3), self.skewed(3_000.0, 2) as u32);
        self.print(format_args!(
            "{{\"utm_medium\": \"{medium}\", \"utm_source\": \"{source}\", \"utm_campaign\": \"save-{campaign}-{number}\"}}"
        ));
    }

    fn external(&mut self) {
        if self.chance(700) {
            return self.print(format_args!("{{}}"));
        }
        let (a, b) = (self.random.u32(..10_000_000), self.random.u32(..90_000_000));
        self.print(format_args!("{{\"crm\": \"{a}\", \"mailer\": {b}}}"));
    }

    fn partners(&mut self) {
        if self.chance(900) {
            return self.print(format_args!("[]"));
        }
        let (id, word) = (self.random.u32(..40), self.word(2));
        self.print(format_args!("[{{\"partnership_id\": {id}, \"name\": \"Friends, of {word}\"}}]"));
    }

    fn chance(&mut self, of_1000: u64) -> bool {
        self.random.u64(..1_000) < of_1000
    }

    /// Below `below`; the higher the power, the more do low numbers prevail.
    fn skewed(&mut self, below: f64, power: i32) -> f64 {
        (self.random.f64().powi(power) * below).floor()
    }

    fn word(&mut self, power: i32) -> String {
        let at = self.skewed(WORDS as f64, power) as usize;
        self.words[at].clone()
    }
}

/// A word that can be spoken; some are not ASCII.
fn word(random: &mut Rng, at: usize) -> String {
    const SOUNDS: &[u8] = b"bdfgklmnprstvz";
    let syllables = random.usize(1..4);
    let ascii = (0..syllables).flat_map(|_| {
        let sound = SOUNDS[random.usize(..SOUNDS.len())];
        [char::from(sound), char::from(b"aeiou"[random.usize(..5)])]
    });
    let word: String = ascii.collect();
    match at % 20 {
        7 => word + "ñé",
        13 => word + "ова",
        _ => word,
    }
}

/// What a browser might say of itself.
fn agent(random: &mut Rng, at: usize) -> String {
    let (version, build, patch) = (random.u32(90..130), random.u32(..7_000), random.u32(..9));
    match at % 5 {
        0 | 3 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.{build}.{patch} Safari/537.36"
        ),
        1 => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {}_{patch} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.{patch} Mobile/15E{build} Safari/604.1",
            version / 7,
            version / 7
        ),
        2 => format!(
            "Mozilla/5.0 (Linux; Android {}; Model {build}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.{build}.{patch} Mobile Safari/537.36",
            version / 9
        ),
        _ => format!(
            "Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0.{build}"
        ),
    }
}
