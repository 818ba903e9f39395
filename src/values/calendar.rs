//! The proleptic Gregorian calendar, with year 0 being 1 BC.

/// Whether the year has a 29 February.
pub const fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month (1–12) of a year; 0 for a month that does not exist.
pub const fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days from 1970-01-01 to a date; `year` counts astronomically, so 1 BC is 0 and 2 BC is -1.
/// The month is 1–12; the day is only added, not checked.
pub const fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    // The year is made to start in March: then the leap day is its last, and the months before any
    // date have lengths that repeat every five months (153 days).
    let starts_earlier = month <= 2;
    let year = year as i64 - starts_earlier as i64;
    let month = month as i64 + if starts_earlier { 9 } else { -3 };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970
}

/// The date that so many days from 1970-01-01 lead to: year as in [`days_from_civil`], month 1–12, day 1–31.
pub const fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    // As if no year had a leap day, then without those that have passed: the last day of four years, of a
    // century, of an era is one.
    let leap_days = day_of_era / (4 * 365) - day_of_era / 36_524 + day_of_era / (DAYS_PER_ERA - 1);
    let year = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (year * 365 + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let ends_later = month >= 10;
    let (year, month) = (era * 400 + year + ends_later as i64, month + if ends_later { -9 } else { 3 });
    (year, month as u32, day as u32)
}

/// Days of 400 years.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        let cases = [
            ((1970, 1, 1), 0),
            ((1969, 12, 31), -1),
            ((2000, 1, 1), 10_957),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((1900, 3, 1), -25_508),
            ((1, 1, 1), -719_162),
            ((0, 12, 31), -719_163),
            // Julian day 0, where PostgreSQL's calendar begins.
            ((-4713, 11, 24), -2_440_588),
        ];
        for ((year, month, day), days) in cases {
            assert_eq!(days_from_civil(year, month, day), days, "{year}-{month}-{day}");
            assert_eq!(civil_from_days(days), (i64::from(year), month, day), "{days}");
        }
        for days in (-110_000_000..=110_000_000).step_by(9_973) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(i32::try_from(year).unwrap(), month, day), days);
        }
    }

    /// Counts day by day, which needs no formula.
    #[test]
    fn agrees_with_counting() {
        let mut days = days_from_civil(-4713, 1, 1);
        for year in -4713..=3000 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_from_civil(year, month, day), days, "{year}-{month}-{day}");
                    assert_eq!(civil_from_days(days), (i64::from(year), month, day), "{days}");
                    days += 1;
                }
            }
        }
    }
}
